internal import CCurl
internal import EventLoop

/// The authorities that upstreams' certificates are checked against: read once and shared by all connections.
///
/// libcurl would keep what it has read with each multi handle, so that every shard paid some 40 ms and its own memory.
@LoopActor
@safe final class TrustStore {
    private enum State {
        case unread
        case reading(BIOFile)
        case ready
        case unusable
    }

    private let path: String
    private var store: OpaquePointer?
    private var count = 0
    private var state = State.unread

    /// `path` names a PEM file; without one it is the file libcurl was built to use.
    init(path: String?) {
        let information = unsafe curl_version_info(ccurl_version_now)
        let builtIn = unsafe information?.pointee.cainfo.map { unsafe String(cString: $0) }
        self.path = path ?? builtIn ?? ""
    }

    isolated deinit {
        if let store = unsafe store { unsafe X509_STORE_free(store) }
    }

    /// Makes a TLS context use the store. Reads what was not read yet.
    func apply(to context: OpaquePointer) -> CURLcode {
        while read(Int.max) {}
        guard case .ready = state, let store = unsafe store else { return CURLE_SSL_CACERT_BADFILE }
        unsafe SSL_CTX_set1_cert_store(context, store)
        return CURLE_OK
    }

    /// Reads at most `limit` more certificates; says whether there may be more.
    func read(_ limit: Int) -> Bool {
        switch state {
        case .ready, .unusable:
            return false
        case .unread:
            unsafe store = X509_STORE_new()
            state = BIOFile(path).map { .reading($0) } ?? .unusable
            return true
        case .reading(let file):
            guard let store = unsafe store else { preconditionFailure("made before the file was opened") }
            for _ in 0..<limit {
                guard let certificate = unsafe PEM_read_bio_X509_AUX(file.raw, nil, nil, nil) else {
                    // The end of the file is reported as an error too.
                    ERR_clear_error()
                    state = count > 0 ? .ready : .unusable
                    return false
                }
                if unsafe X509_STORE_add_cert(store, certificate) == 1 { count += 1 }
                unsafe X509_free(certificate)
            }
            return true
        }
    }

    /// Lets OpenSSL set itself up, which it else does at the first connection.
    static func startTLS() {
        unsafe SSL_CTX_free(SSL_CTX_new(TLS_client_method()))
        ERR_clear_error()
    }
}

/// A file open for OpenSSL.
@LoopActor
@safe private final class BIOFile {
    let raw: OpaquePointer

    init?(_ path: String) {
        guard let opened = unsafe BIO_new_file(path, "r") else {
            ERR_clear_error()
            return nil
        }
        unsafe raw = opened
    }

    isolated deinit { unsafe BIO_free(raw) }
}
