internal import CCurl
internal import Core
internal import EventLoop

/// A URL as libcurl has parsed it, kept because the same few are used again and again.
@LoopActor
@safe final class Destination {
    let url: String
    let raw: OpaquePointer
    let origin: Origin

    /// Takes over the parsed URL.
    init(url: String, parsed: OpaquePointer, origin: Origin) {
        self.url = url
        unsafe raw = parsed
        self.origin = origin
    }

    isolated deinit { unsafe curl_url_cleanup(raw) }
}

/// The destinations used lately. When it is full it starts anew: what is in use comes back with its next request.
@LoopActor
struct DestinationCache {
    private var destinations: [String: Destination] = [:]
    private var origins: [Substring: Origin] = [:]

    private static let limit = 256

    mutating func destination(for url: String) throws(TransferFailure) -> Destination {
        if let known = destinations[url] { return known }
        let parsed = try unsafe Self.parse(url)
        if destinations.count >= Self.limit {
            destinations.removeAll(keepingCapacity: true)
            origins.removeAll(keepingCapacity: true)
        }
        let made = unsafe Destination(url: url, parsed: parsed, origin: origin(of: url))
        destinations[url] = made
        return made
    }

    mutating func removeAll() {
        destinations = [:]
        origins = [:]
    }

    /// Two spellings of one origin count as two; that only spreads their connections.
    private mutating func origin(of url: String) -> Origin {
        let bytes = url.utf8
        var slashes = 0
        let end = bytes.firstIndex { byte in
            if byte == 47 { slashes += 1 }
            return slashes == 3 || byte == 63 || byte == 35
        }
        let name = url[..<(end ?? bytes.endIndex)]
        if let known = origins[name] { return known }
        let made = Origin(isTLS: name.utf8.prefix(6).equalsIgnoringCase("https:"))
        origins[name] = made
        return made
    }

    private static func parse(_ url: String) throws(TransferFailure) -> OpaquePointer {
        guard !url.utf8.contains(0) else { throw TransferFailure(.badURL, "a NUL in the URL", sentRequest: false) }
        guard let parsed = unsafe curl_url() else { preconditionFailure("libcurl is out of memory") }
        let code = unsafe curl_url_set(parsed, CURLUPART_URL, url, UInt32(CURLU_PATH_AS_IS))
        guard code == CURLUE_OK else {
            unsafe curl_url_cleanup(parsed)
            let words = unsafe curl_url_strerror(code).map { unsafe String(cString: $0) }
            throw TransferFailure(.badURL, words ?? "", sentRequest: false)
        }
        return unsafe parsed
    }
}
