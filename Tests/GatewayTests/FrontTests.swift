import Core
import HTTPCodec
import OpenAIAPI
import Testing
import Upstream

@testable import Gateway

@Suite("The front")
struct FrontTests {
    /// The head of a request with this line.
    private func head(_ method: String, _ target: String) throws -> RequestHead {
        var parser = RequestParser()
        let bytes = Array("\(method) \(target) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".utf8)
        parser.receive(bytes.span)
        guard case .head(let head)? = try parser.next() else { throw GatewayError(.internalError, "no head") }
        return head
    }

    private func describe(_ route: Route) -> String {
        switch route {
        case .model(let operation): operation.rawValue
        case .messages: "messages"
        case .countTokens: "count"
        case .responses: "responses"
        case .response(let id, let part): "\(part) of \(id)"
        case .reverseChat: "reverse chat"
        case .reverseCount: "reverse count"
        case .reverseModes: "reverse modes"
        case .file(let name): "file \(name)"
        case .models: "models"
        case .modelDetails(let name): "details of \(name)"
        case .health: "health"
        case .ready: "ready"
        case .metrics: "metrics"
        case .admin: "admin"
        case .mirror(let route): "mirror \(route)"
        case .wrongMethod(let allowed): "only \(allowed)"
        case .unknown: "unknown"
        }
    }

    @Test(
        "Paths lead where they are documented to",
        arguments: [
            ("POST", "/v1/chat/completions", "chat"), ("POST", "/chat/completions", "chat"),
            ("POST", "/v1/chat/completions?x=1", "chat"), ("POST", "/v1/completions", "completion"),
            ("POST", "/v1/embeddings", "embedding"), ("GET", "/v1/models", "models"), ("HEAD", "/models", "models"),
            ("GET", "/v1/models/openai/gpt-4o", "details of openai/gpt-4o"),
            ("GET", "/admin/api/keys", "admin"), ("DELETE", "/admin/api/session", "admin"),
            ("GET", "/admin/x", "unknown"),
            ("GET", "/v1/models/openai%2Fgpt-4o", "details of openai/gpt-4o"),
            ("GET", "/v1/models/huggingface%2forg%2Fm%20x", "details of huggingface/org/m x"),
            ("GET", "/models/%E5%A4%9C", "details of 夜"), ("GET", "/v1/models/a+b", "details of a+b"),
            ("POST", "/v1/messages", "messages"), ("POST", "/v1/messages/count_tokens", "count"),
            ("GET", "/v1/messages", "only POST"), ("POST", "/v1/responses", "responses"),
            ("GET", "/v1/responses/resp_1", "whole of resp_1"), ("DELETE", "/v1/responses/r", "removal of r"),
            ("GET", "/v1/responses/r/input_items", "inputItems of r"), ("PUT", "/v1/responses/r", "only GET, DELETE"),
            ("GET", "/v1/responses/", "unknown"), ("POST", "/v1/responses/r/cancel", "unknown"),
            ("GET", "/images/0a.jpg", "file 0a.jpg"), ("HEAD", "/images/0a.jpg", "file 0a.jpg"),
            ("POST", "/images/0a.jpg", "only GET"), ("GET", "/v1/images/0a.jpg", "unknown"),
            ("POST", "/api/chat", "reverse chat"), ("GET", "/api/chat", "only POST"),
            ("POST", "/api/count-tokens", "reverse count"), ("GET", "/api/model-modes", "reverse modes"),
            ("GET", "/health", "health"), ("GET", "/ready", "ready"), ("GET", "/metrics", "metrics"),
            ("GET", "/v1/chat/completions", "only POST"), ("DELETE", "/v1/embeddings", "only POST"),
            ("POST", "/v1/models", "only GET"), ("PUT", "/v1/models/x", "only GET"), ("POST", "/health", "only GET"),
            ("GET", "/", "unknown"), ("GET", "/v1", "unknown"), ("GET", "/v1/", "unknown"),
            ("POST", "/v1/chat/completions/", "unknown"), ("POST", "/v2/chat/completions", "unknown"),
            ("POST", "/V1/chat/completions", "unknown"), ("POST", "/v1/v1/chat/completions", "unknown"),
            ("POST", "/v1/chat%2Fcompletions", "unknown"), ("GET", "/v1/models/a%0Db", "unknown"),
            ("GET", "/v1/models/a%2", "unknown"), ("GET", "/v1/modelsx", "unknown"),
            ("GET", "/admin/api/keys", "admin"), ("DELETE", "/admin/api", "admin"), ("GET", "/admin", "unknown"),
            ("GET", "/admin/apis", "unknown"), ("GET", "/v1/admin/api/keys", "unknown"),
            ("GET", "/v1/health", "unknown"), ("GET", "/v1/metrics", "unknown"),
        ]
    )
    func routes(_ method: String, _ target: String, _ expected: String) throws {
        #expect(describe(Route(try head(method, target))) == expected)
    }

    @Test("Request ids are unique, of one length, and in order within a worker")
    func ids() {
        var ids = RequestIDs(seed: 0xAB)
        var other = RequestIDs(seed: 0xAC)
        #expect(ids.next() == "00000000000000ab0000000000000001")
        let later = (0..<1000).map { _ in ids.next() }
        #expect(later == later.sorted())
        #expect(Set(later).count == 1000)
        #expect(other.next() != "00000000000000ab0000000000000001")
        #expect(later.allSatisfy { RequestIDs.sane(Array($0.utf8)[...]) == $0 })
    }

    @Test(
        "A client's own id is kept when it is harmless",
        arguments: [
            ("req-1_a.B", true), (String(repeating: "x", count: 128), true),
            (String(repeating: "x", count: 129), false),
            ("", false), ("a b", false), ("a\"b", false), ("a\r\nb", false), ("é", false), ("a/b", false),
            ("a\u{0}", false),
        ]
    )
    func sane(_ text: String, _ isSane: Bool) {
        #expect(RequestIDs.sane(Array(text.utf8)[...]) == (isSane ? text : nil))
    }

    @Test("Of an upstream's headers the client gets those it acts on, under our control")
    func upstreamHeaders() {
        let head = UpstreamHead(
            status: 200,
            headers: [
                ("X-Request-Id", "req_1"), ("x-ratelimit-remaining-tokens", "42"),
                ("X-RateLimit-Reset-Requests", "6m0s"),
                ("openai-version", "2020-10-01"), ("openai-processing-ms", "12"), ("openai-organization", "secret-org"),
                ("Set-Cookie", "a=b"), ("Content-Length", "9"), ("Transfer-Encoding", "chunked"), ("x-ratelimit", "no"),
            ]
        )
        var output = ByteBuffer()
        AnswerHeaders.appendUpstream(head, to: &output)
        #expect(
            output.readable.text == "X-Upstream-Request-ID: req_1\r\nx-ratelimit-remaining-tokens: 42\r\n"
                + "X-RateLimit-Reset-Requests: 6m0s\r\nOpenAI-Version: 2020-10-01\r\nOpenAI-Processing-Ms: 12\r\n"
        )
        AnswerHeaders.appendUpstream(nil, to: &output)
        #expect(output.readable.text.hasSuffix("12\r\n"))
    }

    @Test("A value that is ours to rename cannot end its line")
    func injection() {
        let head = UpstreamHead(
            status: 200,
            headers: [("x-request-id", "a\rSet-Cookie: b"), ("openai-version", "\u{0}c")]
        )
        var output = ByteBuffer()
        AnswerHeaders.appendUpstream(head, to: &output)
        #expect(output.readable.text == "X-Upstream-Request-ID: a Set-Cookie: b\r\nOpenAI-Version:  c\r\n")
    }

    @Test("Clients are told when to come back, and when it is no use")
    func retry() {
        func lines(_ code: GatewayError.Code, calls: Int, retryAfter: Int? = nil) -> String {
            var output = ByteBuffer()
            AnswerHeaders.appendRetry(GatewayError(code, "", retryAfter: retryAfter), calls: calls, to: &output)
            return output.readable.text
        }
        #expect(lines(.rateLimitExceeded, calls: 1, retryAfter: 20) == "Retry-After: 20\r\n")
        #expect(lines(.upstreamError, calls: 1) == "")
        #expect(lines(.upstreamError, calls: 2) == "X-Should-Retry: false\r\n")
        #expect(lines(.insufficientQuota, calls: 1) == "X-Should-Retry: false\r\n")
        #expect(lines(.upstreamRefusedCredentials, calls: 1) == "X-Should-Retry: false\r\n")
    }

    @Test("Streams are announced so that proxies keep their hands off")
    func streaming() {
        var output = ByteBuffer()
        AnswerHeaders.appendStreaming(to: &output)
        #expect(output.readable.text == "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n")
    }
}

@Suite("How requests end")
struct EndReasonTests {
    @Test(
        "Errors end a request for one reason",
        arguments: [
            (GatewayError.Code.upstreamCut, GatewayError.Source.upstream, EndReason.upstreamCut),
            (.upstreamUnreachable, .upstream, .upstreamCut), (.upstreamIdle, .upstream, .upstreamIdle),
            (.upstreamTimeout, .upstream, .upstreamIdle), (.upstreamError, .upstream, .upstreamError),
            (.clientGone, .client, .clientGone), (.invalidRequest, .client, .refused),
            (.rateLimitExceeded, .upstream, .upstreamError),
        ]
    )
    func reasons(_ code: GatewayError.Code, _ source: GatewayError.Source, _ reason: EndReason) {
        #expect(EndReason(GatewayError(code, "", source: source)) == reason)
    }
}
