import Core
import HTTPCodec
import Testing

@testable import Providers

@Suite struct FlowGPTSignatureTests {
    private func signature(_ mode: FlowGPTSignature, authorization: String = "Bearer test-token") throws -> String? {
        try mode.sign(
            timestamp: 1_700_000_000,
            nonce: "0123456789abcdef0123456789abcdef",
            device: "dev-0123456789abcdefghi",
            authorization: authorization
        )
    }

    @Test func everyFormulaGivesItsKnownDigest() throws {
        #expect(try signature(.authDash) == "a77e4680ad19bd45796bf9633a3dd027")
        #expect(try signature(.authDash, authorization: "Bearer null") == "14364f59379955fd3332f08d295b5712")
        #expect(try signature(.deviceConcat) == "8c4187c4a4c0b7c13212aea33b4ef503")
        #expect(try signature(.deviceColon) == "eccc785a3b074411ed80a0db1de98f33")
        #expect(try signature(.none) == nil)
    }

    @Test func signingAnewLeavesNothingOfTheOldOne() throws {
        var request = OutgoingRequest(
            url: "http://upstream/v3/chat",
            headers: [HTTPHeader("Authorization", "Bearer test-token"), HTTPHeader("x-flow-device-id", "dev")]
        )
        try FlowGPTSignature.authDash.sign(&request, timestamp: 1, nonce: "aa")
        try FlowGPTSignature.deviceConcat.sign(&request, timestamp: 2, nonce: "bb")
        #expect(request.headers.count == 5)
        #expect(request.header("x-nonce") == "bb")
        #expect(request.header("x-timestamp") == "2")
        try FlowGPTSignature.none.sign(&request, timestamp: 3, nonce: "cc")
        #expect(request.header("x-signature") == nil)
        #expect(request.header("x-nonce") == "cc")
    }

    @Test(arguments: [
        ("abc", "Bearer abc", nil), ("Bearer abc", "Bearer abc", nil), ("bEARER  abc", "Bearer abc", nil),
        ("abc|dev_1-X", "Bearer abc", "dev_1-X"), ("abc|bad device", "Bearer abc", nil), ("null", "Bearer null", nil),
        ("", "Bearer null", nil),
    ])
    func credentialsAreTokensWithOrWithoutTheirDevice(_ credential: String, _ authorization: String, _ device: String?)
    {
        let account = FlowGPTAccount(credential)
        #expect(account.authorization == authorization)
        #expect(account.device == device)
    }

    @Test func configuredAccountsKeepTheirDeviceAndLoseTheirNote() {
        #expect(FlowGPTAccount.credential("Bearer abc|dev|a note | of two parts") == "abc|dev")
        #expect(FlowGPTAccount.credential("abc||note") == "abc")
        #expect(FlowGPTAccount.credential("abc") == "abc")
        #expect(FlowGPTAccount.credential("|dev") == nil)
        let definition = FlowGPTProvider.definition
        #expect(definition.pool.reads("Bearer a.b-c_d=|dev") == "a.b-c_d=|dev")
        for text in ["", "null", "sso=a; b=c", #"{"access_token":"a"}"#, "two words", "é"] {
            #expect(definition.pool.reads(text) == nil, "\(text)")
        }
        let settings = ProviderSettings(
            ["FLOWGPT_TOKENS": "one, two|dev-2|second ,", "FLOWGPT_BEARER_TOKEN": "Bearer three"],
            now: { 0 }
        )
        #expect(definition.credentials(settings) == ["one", "two|dev-2", "three"])
    }
}
