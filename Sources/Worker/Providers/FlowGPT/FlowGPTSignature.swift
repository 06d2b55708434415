internal import Core
internal import Crypto
internal import HTTPCodec

/// How a chat request is signed. Which way the service wants, if any, has changed and is not published.
enum FlowGPTSignature: String, Sendable, CaseIterable {
    case authDash = "auth-dash"
    case deviceConcat = "device-concat"
    case deviceColon = "device-colon"
    case none

    /// In 32 lower-case digits; nothing without a signature.
    func sign(timestamp: Int, nonce: String, device: String, authorization: String) throws(GatewayError) -> String? {
        let text: String
        switch self {
        case .authDash: text = "\(timestamp)-\(nonce)-\(authorization)"
        case .deviceConcat: text = "\(timestamp)\(nonce)\(device)"
        case .deviceColon: text = "\(timestamp):\(nonce):\(device)"
        case .none: return nil
        }
        do throws(CryptoError) {
            return try MD5Digest(of: text).hex
        } catch {
            throw GatewayError(.internalError, "This system computes no MD5, which the upstream's signatures need.")
        }
    }

    /// The one to try when this one was refused.
    var next: FlowGPTSignature {
        let all = Self.allCases
        let place = all.firstIndex(of: self) ?? 0
        return all[(place + 1) % all.count]
    }

    /// Signs the request, anew where it has been signed before.
    func sign(_ request: inout OutgoingRequest, timestamp: Int, nonce: String) throws(GatewayError) {
        let names = ["x-nonce", "x-timestamp", "x-signature"]
        request.headers.removeAll { names.contains($0.name.lowercased()) }
        let signature = try sign(
            timestamp: timestamp,
            nonce: nonce,
            device: request.value("x-flow-device-id"),
            authorization: request.value("authorization")
        )
        request.headers.append(HTTPHeader("x-nonce", nonce))
        request.headers.append(HTTPHeader("x-timestamp", "\(timestamp)"))
        if let signature { request.headers.append(HTTPHeader("x-signature", signature)) }
    }
}

extension OutgoingRequest {
    fileprivate func value(_ name: String) -> String { headers.first { $0.name.lowercased() == name }?.value ?? "" }
}
