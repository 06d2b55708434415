import Testing

@testable import Gateway

@Suite("Hosts that strangers name")
struct HostJudgementTests {
    @Test(
        "Names and addresses of the public network may be fetched from",
        arguments: [
            "example.org", "example.org:8080", "a.b.example.org.", "8.8.8.8", "8.8.8.8:80", "xn--bcher-kva.example",
        ]
    )
    func taken(_ authority: String) { #expect(HostJudgement.mayBePublic(authority[...])) }

    @Test(
        "Whatever may lead inside may not",
        arguments: [
            "", "localhost", "LOCALHOST:80", "x.localhost", "redis", "metadata.google.internal", "printer.local",
            "127.0.0.1",
            "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "10.1.2.3", "192.168.0.1:6379",
            "169.254.169.254",
            "8.8.8", "8.8.8.8.8", "8.8.8.256", "8.8.8.08", "[::1]", "[2001:db8::1]", "1.0x7f", ".", "..", "a..",
        ]
    )
    func refused(_ authority: String) { #expect(!HostJudgement.mayBePublic(authority[...])) }
}
