/// Where Redis is and how to enter: `redis://[[user]:password@]host[:port][/db]` or
/// `unix://[[user]:password@]/path[?db=N]`. User, password and path may be percent-encoded.
package struct RedisAddress: Sendable, Equatable {
    package enum Endpoint: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    package var endpoint: Endpoint
    package var user: String?
    package var password: String?
    package var database: Int

    package init(_ endpoint: Endpoint, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.endpoint = endpoint
        self.user = user
        self.password = password
        self.database = database
    }

    package init?(_ url: String) {
        guard let (scheme, rest) = url.split(around: "://") else { return nil }
        // The last @ ends the credentials: an unencoded one in a password is common and unambiguous in a host.
        var location = rest
        var (user, password): (String?, String?) = (nil, nil)
        if let at = rest.lastIndex(of: "@") {
            location = rest[rest.index(after: at)...]
            let credentials = rest[..<at]
            let (name, secret) = credentials.split(around: ":") ?? (credentials, "")
            guard let name = name.percentDecoded, let secret = secret.percentDecoded else { return nil }
            user = name.isEmpty ? nil : name
            password = secret.isEmpty ? nil : secret
            // redis-py and others read redis://word@host as a user without a password, which no server accepts.
            if user != nil, password == nil { return nil }
        }
        let (place, query) = location.split(around: "?") ?? (location, "")
        switch scheme.lowercased() {
        case "redis":
            guard let (endpoint, path) = Self.parseHost(place) else { return nil }
            self.init(endpoint, user: user, password: password)
            if !path.isEmpty, !select(path) { return nil }
        case "unix":
            guard let path = place.percentDecoded, path.hasPrefix("/"), path.utf8.count < 108 else { return nil }
            self.init(.unix(path: path), user: user, password: password)
        default: return nil
        }
        for pair in query.split(separator: "&") {
            guard let (name, value) = pair.split(around: "=") else { continue }
            if name == "db", !select(value) { return nil }
        }
    }

    private mutating func select(_ digits: Substring) -> Bool {
        guard let number = Int(digits), number >= 0 else { return false }
        database = number
        return true
    }

    private static func parseHost(_ place: Substring) -> (Endpoint, path: Substring)? {
        let (authority, path) = place.split(around: "/") ?? (place, "")
        var host = authority
        var port: UInt16 = 6379
        // A colon inside brackets belongs to an IPv6 address.
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (.tcp(host: host.isEmpty ? "127.0.0.1" : String(host), port: port), path)
    }
}

extension RedisAddress: CustomStringConvertible {
    /// For logs: without the credentials.
    package var description: String {
        switch endpoint {
        case .tcp(let host, let port): "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The parts before and after the first `separator`, or nothing when there is none.
    fileprivate func split(around separator: String) -> (Substring, Substring)? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(separator) {
                return (self[..<start], self[index(start, offsetBy: separator.count)...])
            }
            start = index(after: start)
        }
        return nil
    }

    /// `%41` becomes `A`; nothing when an escape is broken or the result is no UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
            guard digits.count == 2 else { return nil }
            bytes.append(UInt8(digits[0] * 16 + digits[1]))
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
