import Core
import JSON
import OpenAIAPI
import Testing

@Suite("Error bodies")
struct ErrorBodyTests {
    @Test("A body is the published shape, byte for byte")
    func shape() {
        let error = GatewayError.invalid("messages[0].role", "A role \"x\" is\nnone.")
        #expect(
            ErrorBody.bytes(error, requestID: "r-1").text
                == #"{"error":{"message":"A role \"x\" is\nnone.","type":"invalid_request_error","#
                + #""param":"messages[0].role","code":"invalid_value","request_id":"r-1"}}"#
        )
    }

    @Test("Without a parameter it says null, and an upstream's own code is kept")
    func nullParameter() {
        var error = GatewayError(.rateLimitExceeded, "Slow down.", source: .upstream, cause: "secret cause")
        error.upstreamCode = "tpm_exceeded"
        error.upstreamType = "tokens"
        #expect(
            ErrorBody.bytes(error, requestID: "r").text
                == #"{"error":{"message":"Slow down.","type":"tokens","param":null,"code":"tpm_exceeded","request_id":"r"}}"#
        )
    }

    @Test("As an event of a stream it is one data line")
    func event() throws {
        var buffer = ByteBuffer("x")
        ErrorBody.appendEvent(GatewayError(.upstreamCut, "a\nb"), requestID: "r", to: &buffer)
        let text = buffer.readable.text
        #expect(text.hasPrefix("xdata: {\"error\":"))
        #expect(text.hasSuffix("}}\n\n"))
        #expect(text.dropLast(2).contains("\n") == false)
    }
}
