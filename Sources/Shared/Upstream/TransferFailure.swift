internal import CCurl

/// Why a transfer brought no whole response.
package struct TransferFailure: Error, Sendable {
    package enum Kind: String, Sendable {
        case resolve, connect, connectTimeout, tls, proxy, sendFailed
        /// The connection ended, or the stream was reset, before the response was whole.
        case cut
        /// The peer does not speak HTTP as it should.
        case protocolError
        case tooLarge
        case badURL
        /// A header field of the request holds bytes that would break the request apart.
        case badHeader
        /// The caller's own deadline (only `fetch` sets one).
        case deadline
        /// Paused for too long on a shared connection, see `UpstreamOptions.maxHeldBytes`.
        case overrun
        case other
    }

    package var kind: Kind
    /// libcurl's number, 0 when the failure is ours.
    package var curlCode: Int32
    /// libcurl's own words, with addresses in them: for logs only.
    package var message: String
    /// Whether any byte of the request may have reached the peer. When not, sending it elsewhere repeats nothing.
    package var sentRequest: Bool

    init(_ kind: Kind, code: Int32 = 0, _ message: String, sentRequest: Bool) {
        self.kind = kind
        self.curlCode = code
        self.message = message
        self.sentRequest = sentRequest
    }
}

extension TransferFailure.Kind {
    /// Sorts libcurl's codes. `hasSent` tells an unusable URL from an answer in no known version of HTTP, for which
    /// libcurl has one code; `isAtProxy` says that a proxy refused to open the tunnel.
    init(_ code: CURLcode, hasSent: Bool, isAtProxy: Bool) {
        self =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST: .resolve
            case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
            case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED: .connect
            // No other deadline is ever given to libcurl.
            case CURLE_OPERATION_TIMEDOUT: .connectTimeout
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND,
                CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CRL_BADFILE,
                CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT,
                CURLE_USE_SSL_FAILED, CURLE_SSL_SHUTDOWN_FAILED:
                .tls
            case CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND: .sendFailed
            case CURLE_RECV_ERROR: isAtProxy ? .proxy : .cut
            case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_HTTP2_STREAM: .cut
            case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2, CURLE_TOO_MANY_REDIRECTS:
                .protocolError
            case CURLE_UNSUPPORTED_PROTOCOL: hasSent ? .protocolError : .badURL
            case CURLE_URL_MALFORMAT: .badURL
            case CURLE_FILESIZE_EXCEEDED: .tooLarge
            // A single header line beyond libcurl's own limit is reported as this, once an answer has begun.
            case CURLE_OUT_OF_MEMORY: hasSent ? .tooLarge : .other
            default: .other
            }
    }
}
