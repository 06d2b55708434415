import Core
import EventLoop
import HTTPCodec
import HTTPServer
import Providers
import State
import Upstream

/// Files of answers, for whoever has their name. The edge keeps what passes here, so that an upstream is asked for a file
/// once; a worker keeps nothing.
extension Gateway {
    func serveFile(_ name: String, _ context: RequestContext) async throws(GatewayError) {
        let missing = GatewayError.invalid(nil, "There is no file of this name.", code: .notFound)
        guard Self.isName(name), let files, let entry = try await files.find(name),
            let provider = providers.first(where: { $0.name == entry.provider })?.web,
            let key = pools[entry.provider]?.credential(of: entry.account)
        else { throw missing }
        let desk = makeDesk(provider, account: entry.account, key: key, for: context)
        context.exchange.onClientGone = { desk.close() }
        let request = try await provider.fileRequest(entry.url, at: desk)
        let answer = try await desk.ask(request)
        context.exchange.onClientGone = nil
        switch answer.status {
        case 200..<300: break
        case 404, 410: throw missing
        default:
            throw GatewayError(
                .upstreamError,
                "The file cannot be fetched.",
                source: .upstream,
                cause: "\(answer.status)"
            )
        }
        let kind = FileKind(name: name)
        context.exchange.respond(status: 200, body: answer.body) { output in
            AnswerHeaders.append(context, contentType: kind.mediaType, to: &output)
            // What an upstream made is shown, never run.
            output.appendHeaderLine("X-Content-Type-Options: nosniff")
            output.appendHeaderLine("Content-Security-Policy: default-src 'none'; sandbox")
            output.appendHeaderLine("Cache-Control: public, max-age=31536000, immutable")
            if !kind.isShown { output.appendHeaderLine("Content-Disposition: attachment") }
        }
    }

    /// 32 hexadecimal digits and an extension.
    private static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].utf8.count == 32 && parts[0].utf8.allSatisfy { $0.isHexDigit }
            && (1...8).contains(parts[1].utf8.count)
            && parts[1].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    /// What a file is sent as: by its name, which we gave it, and not by what an upstream says.
    private struct FileKind {
        let mediaType: StaticString
        let isShown: Bool

        init(name: String) {
            switch name.split(separator: ".").last.map({ $0.lowercased() }) {
            case "jpg", "jpeg": (mediaType, isShown) = ("image/jpeg", true)
            case "png": (mediaType, isShown) = ("image/png", true)
            case "webp": (mediaType, isShown) = ("image/webp", true)
            case "gif": (mediaType, isShown) = ("image/gif", true)
            case "mp4": (mediaType, isShown) = ("video/mp4", true)
            default: (mediaType, isShown) = ("application/octet-stream", false)
            }
        }
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }
}
