internal import CCurl

/// libcurl's process-wide state.
enum CurlLibrary {
    private static let isStarted: Bool = {
        // No flag for TLS: OpenSSL sets itself up when the first connection needs it, and not before.
        precondition(curl_global_init(Int(CURL_GLOBAL_NOTHING)) == CURLE_OK, "libcurl cannot be set up")
        return true
    }()

    /// Sets libcurl up once; later calls do nothing.
    static func start() { _ = isStarted }
}
