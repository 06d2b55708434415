import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing

@testable import Upstream

@Suite("Addresses that strangers name", .onLoop)
struct AddressPolicyTests {
    @Test(
        "Only the public network counts as public",
        arguments: [
            ([8, 8, 8, 8], true), ([127, 0, 0, 1], false), ([10, 1, 2, 3], false), ([172, 16, 0, 1], false),
            ([172, 32, 0, 1], true), ([192, 168, 1, 1], false), ([169, 254, 169, 254], false),
            ([100, 64, 0, 1], false),
            ([0, 0, 0, 0], false), ([255, 255, 255, 255], false), ([1, 2, 3], false), ([], false),
            ([0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], true),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], false),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1], false),
            ([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1], false),
            ([0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], false),
            ([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], false),
        ] as [([UInt8], Bool)]
    )
    func policy(address: [UInt8], isPublic: Bool) {
        #expect(AddressPolicy.isPublic(address) == isPublic)
    }

    @Test(
        "A client for the public network does not connect to a server on this machine",
        arguments: ["127.0.0.1", "localhost"]
    )
    @LoopActor func refused(host: String) async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        defer { server.close() }
        var options = UpstreamOptions()
        options.isPublicOnly = true
        let client = UpstreamClient(options: options)
        defer { client.close() }
        let request = OutgoingRequest(method: .get, url: server.url.replacing("127.0.0.1", with: host))
        let failure = await #expect(throws: TransferFailure.self) {
            _ = try await client.fetch(request, limit: 100, deadline: .seconds(5))
        }
        #expect(failure?.kind == .connect)
        #expect(failure?.sentRequest == false)
    }
}
