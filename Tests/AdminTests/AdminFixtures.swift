import Core
import Crypto
import EventLoop
import Glibc
import HTTPCodec
import HTTPServer
import JSON
import Redis
import State
import TestSupport
import Testing

@testable import Admin

/// A worker as far as the administration goes, on a port of its own.
@LoopActor
final class AdminWorker: RequestHandler {
    nonisolated static let password = "correct horse"

    let redis: RedisClient
    let parts: AdminParts
    let service: AdminService
    private(set) var lines: LogLines
    private(set) var statuses: [Int] = []
    private var server: HTTPServer?
    private var address = ListenAddress.tcp(host: "127.0.0.1", port: 0)

    init(_ server: RedisServer, _ change: @LoopActor (inout AdminParts) throws -> Void = { _ in }) async throws {
        var options = RedisOptions()
        options.timeout = .seconds(2)
        options.longestBackoff = .milliseconds(50)
        let lines = LogLines()
        self.lines = lines
        let redis = RedisClient(address: try #require(RedisAddress(server.unixURL)), options: options, log: .silent)
        self.redis = redis
        var parts = AdminParts(log: lines.log, now: { 1_800_000_000 })
        parts.password = Self.password
        parts.redis = redis
        parts.passwordCost = PasswordKey.Cost(rounds: 16, blockSize: 1, parallelism: 1)
        parts.keyRing = KeyRing(redis: redis, now: { 1_800_000_000 })
        try change(&parts)
        self.parts = parts
        service = try AdminService(parts)
        redis.start()
        let listening = HTTPServer(options: ServerOptions(), handler: self)
        address = try listening.listen(on: address)
        self.server = listening
        await eventually("the worker is connected") { redis.isReady }
    }

    func close() {
        server?.close()
        redis.close()
    }

    func handle(_ request: ServerRequest, _ exchange: Exchange) {
        service.handle(request, exchange, requestID: "r-1") { [weak self] in self?.statuses.append($0) }
    }

    func refusal(_ error: GatewayError) -> (requestID: String, body: [UInt8]) { ("r-1", []) }

    /// Asks as a program does; `path` is below `/admin/api/`.
    func ask(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        type: String = "application/json",
        _ headers: [String] = []
    ) async -> Answer {
        var lines = ["\(method) /admin/api/\(path) HTTP/1.1", "Host: millrace.test", "Connection: close"] + headers
        if let body { lines += ["Content-Type: \(type)", "Content-Length: \(body.utf8.count)"] }
        if body == nil, method != "GET", method != "HEAD" { lines.append("Content-Length: 0") }
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
        return await ScriptedClient.run(to: address) { client in
            client.send(text)
            return Answer(client.textToEnd())
        }
    }

    /// Asks with the administrator's password.
    func admin(_ method: String, _ path: String, _ body: String? = nil, _ headers: [String] = []) async -> Answer {
        await ask(method, path, body, [Self.basic()] + headers)
    }

    nonisolated static func basic(_ password: String = password, user: String = "admin") -> String {
        "Authorization: Basic " + Base64.standard.encode(Array("\(user):\(password)".utf8))
    }

    nonisolated static func from(_ address: String) -> String { "X-Real-IP: \(address)" }

    nonisolated static func logIn(_ password: String = password, user: String = "admin") -> String {
        "{\"username\":\"\(user)\",\"password\":\"\(password)\"}"
    }
}

extension AdminWorker {
    func ask(_ method: String, _ path: String, _ body: String? = nil, _ headers: [String]) async -> Answer {
        await ask(method, path, body, type: "application/json", headers)
    }
}

/// What came back.
struct Answer: Sendable {
    let status: Int
    let head: String
    let body: String

    init(_ text: String) {
        var end = text.startIndex
        while end < text.endIndex, !text[end...].hasPrefix("\r\n\r\n") { end = text.index(after: end) }
        head = String(text[..<end])
        body = String(text[end...].dropFirst(1)).drop { $0.isNewline }.description
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    func header(_ name: String) -> String? {
        for line in head.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix(name.lowercased() + ": ")
        {
            return String(line.dropFirst(name.count + 2))
        }
        return nil
    }

    /// The cookie as a browser would send it back.
    var cookie: String? {
        header("Set-Cookie").map { "Cookie: " + String($0.prefix { $0 != ";" }) }
    }

    var json: JSONValue? { try? JSONDocument(parsing: Array(body.utf8)).root }

    /// A text behind names, such as `error.param`; numbers stand for places.
    func text(_ path: String) -> String? { value(path)?.string }

    func int(_ path: String) -> Int? { value(path)?.int }

    func value(_ path: String) -> JSONValue? {
        var value = json
        for part in path.split(separator: ".") {
            value = Int(part).map { value?[$0] } ?? value?.member(named: String(part))
        }
        return value
    }
}

/// What was logged.
@LoopActor
final class LogLines {
    nonisolated(unsafe) private(set) var lines: [String] = []

    /// Writes only on the loop.
    nonisolated var log: Log {
        Log(level: .debug, now: { (0, 0) }, sink: { line in unsafe self.lines.append(line.text) })
    }

    var all: [String] { unsafe lines }
}

extension AdminRequest {
    /// A request as the service sees it, without a connection.
    static func get(_ path: String) throws -> AdminRequest {
        var parser = RequestParser()
        let bytes = Array("GET /admin/api/\(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        parser.receive(bytes.span)
        guard case .head(let head)? = try parser.next() else { throw GatewayError(.internalError, "no head") }
        return AdminRequest(head: head, id: "r-1")
    }
}

enum WallClock {
    /// Seconds since 1970.
    static var seconds: Int { time(nil) }
}
