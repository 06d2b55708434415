import Core
import EventLoop
import HTTPCodec
import Providers
import Upstream

/// Fetches images and files that a client names by address, for vendors that do not fetch themselves. The address is a
/// stranger's: only the public network is reached, over a client of its own, and nothing of the worker's goes along.
@LoopActor
final class AddressFetcher {
    struct Limits {
        var bytes = 20 << 20
        var time = Duration.seconds(20)
        var redirects = 3
        /// Of one request.
        var files = 32
        /// Whether only the public network may be reached.
        var isPublicOnly = true
    }

    private let client: UpstreamClient
    let limits: Limits

    init(client: UpstreamClient, limits: Limits = Limits()) {
        self.client = client
        self.limits = limits
    }

    func fetch(_ address: Needs.Address) async throws(GatewayError) -> FetchedFile {
        var url = address.url
        for _ in 0...limits.redirects {
            guard Self.isFetchable(url) else {
                throw .invalid(
                    address.parameter,
                    "Only http:// and https:// addresses and data: URLs can be sent along."
                )
            }
            guard mayBeReached(url) else { throw Self.failed(address, "cannot be fetched") }
            let (head, body) = try await get(url, address)
            switch head.status {
            case 200:
                guard !body.isEmpty else { throw Self.failed(address, "is empty") }
                return FetchedFile(mediaType: Self.mediaType(head, body), content: body)
            case 301, 302, 303, 307, 308:
                guard let location = head.firstText("location"), !location.isEmpty else {
                    throw Self.failed(address, "leads nowhere")
                }
                url = AddressResolution.resolve(location, against: url)
            default: throw Self.failed(address, "was answered with status \(head.status)")
            }
        }
        throw Self.failed(address, "is redirected too often")
    }

    private func get(
        _ url: String,
        _ address: Needs.Address
    ) async throws(GatewayError) -> (UpstreamHead, [UInt8]) {
        let request = OutgoingRequest(method: .get, url: url, headers: [HTTPHeader("Accept", "image/*, */*")])
        do throws(TransferFailure) {
            return try await client.fetch(request, limit: limits.bytes, deadline: limits.time)
        } catch {
            switch error.kind {
            case .tooLarge: throw Self.failed(address, "is larger than \(limits.bytes >> 20) MB")
            case .deadline, .connectTimeout: throw Self.failed(address, "took too long to fetch")
            default: throw Self.failed(address, "cannot be fetched")
            }
        }
    }

    private static func failed(_ address: Needs.Address, _ verdict: String) -> GatewayError {
        .invalid(address.parameter, "The content of this address \(verdict).")
    }

    private static func isFetchable(_ url: String) -> Bool {
        let start = url.prefix(8).lowercased()
        guard start.hasPrefix("http://") || start.hasPrefix("https://"), url.utf8.count <= 8192 else { return false }
        // Credentials in an address are somebody's trap or mistake.
        return !authority(of: url).contains("@") && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private func mayBeReached(_ url: String) -> Bool {
        !limits.isPublicOnly || HostJudgement.mayBePublic(Self.authority(of: url))
    }

    private static func authority(of url: String) -> Substring {
        url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    }

    /// What the server says, unless it says nothing useful: then the first bytes decide.
    private static func mediaType(_ head: UpstreamHead, _ body: [UInt8]) -> String {
        let said = head.firstText("content-type")?.prefix { $0 != ";" && $0 != " " }.lowercased() ?? ""
        if !said.isEmpty, said != "application/octet-stream", said != "binary/octet-stream" {
            return said == "image/jpg" ? "image/jpeg" : said
        }
        let signatures: [([UInt8], String)] = [
            ([0x89, 0x50, 0x4E, 0x47], "image/png"), ([0xFF, 0xD8, 0xFF], "image/jpeg"),
            (Array("GIF8".utf8), "image/gif"), (Array("%PDF".utf8), "application/pdf"),
        ]
        for (bytes, type) in signatures where body.starts(with: bytes) { return type }
        if body.count > 12, body.starts(with: Array("RIFF".utf8)), Array(body[8..<12]) == Array("WEBP".utf8) {
            return "image/webp"
        }
        return said.isEmpty ? "application/octet-stream" : said
    }
}
