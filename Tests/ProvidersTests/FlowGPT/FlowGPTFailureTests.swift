import Core
import Testing

@testable import Providers

@Suite struct FlowGPTFailureTests {
    private func failure(_ status: Int, _ body: String = "{}", retryAfter: String? = nil) throws -> GatewayError {
        try flowGPT().failure(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    @Test(arguments: [
        (401, #"{"data":"jwt expired for secret-token"}"#), (403, #"{"message":"Forbidden"}"#), (401, "Unauthorized"),
        (403, ""),
    ])
    func refusedTokensAreTheAccounts(_ status: Int, _ body: String) throws {
        let error = try failure(status, body)
        #expect(error.code == .upstreamRefusedCredentials)
        #expect(error.failureClass == .credentialsRefused)
        #expect(error.retry == .elsewhere)
        #expect(error.message == "FlowGPT refused the gateway's credentials.")
    }

    @Test(arguments: [401, 403, 429, 503])
    func aPageIsTheFirewallsAndNotTheAccounts(_ status: Int) throws {
        let error = try failure(status, "\n<!DOCTYPE html><html>Request blocked.</html>")
        #expect(error.code == .upstreamBlocked)
        #expect(error.failureClass == .egressBlocked)
        #expect(error.message.contains("FLOWGPT_EXTRA_HEADERS"))
    }

    @Test func limitsTellHowLong() throws {
        let error = try failure(429, "Too many requests", retryAfter: "7")
        #expect(error.code == .rateLimitExceeded)
        #expect(error.failureClass == .rateLimited)
        #expect(error.retryAfter == 7)
        #expect(try failure(429).retryAfter == nil)
    }

    @Test func aMissingPromptIsAMissingModel() throws {
        let error = try failure(404, #"{"message":"Prompt not found"}"#)
        #expect(error.code == .modelNotFound)
        #expect(error.parameter == "model")
        #expect(error.failureClass == .none)
    }

    @Test func aMissingConversationIsTheUpstreamsFault() throws {
        let error = try failure(404, #"{"message":"Conversation not found"}"#)
        #expect(error.code == .upstreamInvalid)
        #expect(error.retry == .elsewhere)
    }

    @Test(arguments: [500, 502, 503])
    func failuresOfTheServiceGoElsewhere(_ status: Int) throws {
        let error = try failure(status, #"{"error":"internal host 10.0.0.7 failed"}"#)
        #expect(error.retry == .elsewhere)
        #expect(error.failureClass == .failing)
        #expect(!error.message.contains("10.0.0.7"))
    }

    @Test func aRefusedRequestHasNoConsequence() throws {
        let error = try failure(400, #"{"data":"question must not be empty"}"#)
        #expect(error.code == .invalidRequest)
        #expect(error.failureClass == .none)
        #expect(error.message == "question must not be empty")
    }
}
