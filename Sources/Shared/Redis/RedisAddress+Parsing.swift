extension RedisAddress {
    /// Nothing when the URL is none of the forms above.
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
        case "redis": self.init(host: place)
        case "unix": self.init(path: place)
        case "redis+sentinel": self.init(sentinels: place)
        case "redis+cluster": self.init(nodes: place)
        default: return nil
        }
        self.user = user
        self.password = password
        for pair in query.split(separator: "&") {
            guard let (name, value) = pair.split(around: "=") else { continue }
            switch (name, topology) {
            case ("db", _): if !select(value) { return nil }
            case ("sentinel_password", .sentinel):
                guard let secret = value.percentDecoded, !secret.isEmpty else { return nil }
                sentinelPassword = secret
            default: break
            }
        }
    }

    private init?(host place: Substring) {
        let (authority, path) = place.split(around: "/") ?? (place, "")
        guard let endpoint = Self.endpoint(authority, port: 6379) else { return nil }
        self.init(endpoint)
        if !path.isEmpty, !select(path) { return nil }
    }

    private init?(path place: Substring) {
        guard let path = place.percentDecoded, path.hasPrefix("/"), path.utf8.count < 108 else { return nil }
        self.init(.unix(path: path))
    }

    private init?(sentinels place: Substring) {
        guard let (authorities, path) = place.split(around: "/") else { return nil }
        guard let endpoints = Self.endpoints(authorities, port: 26379) else { return nil }
        let (name, database) = path.split(around: "/") ?? (path, "")
        guard let master = name.percentDecoded, !master.isEmpty else { return nil }
        self.init(endpoints, .sentinel(master: master))
        if !database.isEmpty, !select(database) { return nil }
    }

    private init?(nodes place: Substring) {
        let (authorities, path) = place.split(around: "/") ?? (place, "")
        guard let endpoints = Self.endpoints(authorities, port: 6379) else { return nil }
        self.init(endpoints, .cluster)
        if !path.isEmpty, !select(path) { return nil }
    }

    private mutating func select(_ digits: Substring) -> Bool {
        // A cluster has one database.
        guard let number = Int(digits), number >= 0, number == 0 || topology != .cluster else { return false }
        database = number
        return true
    }

    /// A list with commas; an empty place in it is more likely a mistake than this machine.
    private static func endpoints(_ authorities: Substring, port: UInt16) -> [Endpoint]? {
        let parts = authorities.split(separator: ",", omittingEmptySubsequences: false)
        let found = parts.compactMap { $0.isEmpty ? nil : endpoint($0, port: port) }
        return found.count == parts.count ? found : nil
    }

    private static func endpoint(_ authority: Substring, port usualPort: UInt16) -> Endpoint? {
        var host = authority
        var port = usualPort
        // A colon inside brackets belongs to an IPv6 address.
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return .tcp(host: host.isEmpty ? "127.0.0.1" : String(host), port: port)
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
