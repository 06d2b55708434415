internal import CCurl
internal import Core
internal import EventLoop
internal import HTTPCodec

/// A request's header fields as libcurl wants them; requests with the same fields share one.
@LoopActor
@safe final class HeaderList {
    let fields: [HTTPHeader]
    private(set) var acceptsGzip = false
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    init(_ fields: [HTTPHeader]) throws(TransferFailure) {
        self.fields = fields
        var line: [CChar] = []
        var hasContentType = false
        for field in fields {
            line.removeAll(keepingCapacity: true)
            guard Self.append(field, to: &line) else {
                throw TransferFailure(.badHeader, "control bytes in a header field", sentRequest: false)
            }
            unsafe raw = curl_slist_append(raw, line) ?? raw
            if field.name.utf8.equalsIgnoringCase("content-type") { hasContentType = true }
            if field.name.utf8.equalsIgnoringCase("accept-encoding") { acceptsGzip = field.value == "gzip" }
        }
        // A name without a value takes away what libcurl would add by itself.
        unsafe raw = curl_slist_append(raw, "Expect:") ?? raw
        if !hasContentType { unsafe raw = curl_slist_append(raw, "Content-Type:") ?? raw }
    }

    isolated deinit { unsafe curl_slist_free_all(raw) }

    /// Writes a field as libcurl wants it: `name: value`, or `name;` for an empty value. False when the field would
    /// reach into the next line.
    private static func append(_ header: HTTPHeader, to line: inout [CChar]) -> Bool {
        guard !header.name.isEmpty, !header.name.utf8.contains(where: { $0 <= 32 || $0 == 58 || $0 >= 127 }),
            !header.value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 })
        else { return false }
        for byte in header.name.utf8 { line.append(CChar(bitPattern: byte)) }
        if header.value.utf8.allSatisfy({ $0 == 32 || $0 == 9 }) {
            line.append(59)
        } else {
            line.append(58)
            line.append(32)
            for byte in header.value.utf8 { line.append(CChar(bitPattern: byte)) }
        }
        line.append(0)
        return true
    }
}

/// The header lists used lately. When it is full it starts anew: what is in use comes back with its next request.
@LoopActor
struct HeaderListCache {
    private var lists: [Key: HeaderList] = [:]

    private static let limit = 64

    mutating func list(for fields: [HTTPHeader]) throws(TransferFailure) -> HeaderList {
        let key = Key(fields: fields)
        if let known = lists[key] { return known }
        let made = try HeaderList(fields)
        if lists.count >= Self.limit { lists.removeAll(keepingCapacity: true) }
        lists[key] = made
        return made
    }

    mutating func removeAll() { lists = [:] }

    private struct Key: Hashable {
        let fields: [HTTPHeader]

        func hash(into hasher: inout Hasher) {
            for field in fields {
                hasher.combine(field.name)
                hasher.combine(field.value)
            }
        }
    }
}
