import Core
import EventLoop
import Glibc
import HTTPCodec
import TestSupport
import Testing
import Upstream

@Suite("TLS", .onLoop, .timeLimit(.minutes(1)))
struct TLSTests {
    @Test("A certificate of an unknown authority is refused, a trusted one is accepted")
    @LoopActor func verification() async throws {
        let server = try await TLSServer.start()
        defer { server.stop() }
        let wary = UpstreamClient()
        defer { wary.close() }
        let recorder = Recorder()
        wary.start(OutgoingRequest(method: .get, url: server.url), delegate: recorder)
        let failure = await recorder.end()
        #expect(failure?.kind == .tls)
        #expect(failure?.sentRequest == false)
        #expect(recorder.heads.isEmpty)

        var options = UpstreamOptions()
        options.caFile = server.certificate
        let trusting = UpstreamClient(options: options)
        defer { trusting.close() }
        let trusted = Recorder()
        let transfer = trusting.start(OutgoingRequest(method: .get, url: server.url), delegate: trusted)
        #expect(await trusted.end() == nil)
        #expect(trusted.heads.first?.status == 200)
        #expect(transfer.timings.tls >= transfer.timings.connect)

        let other = Recorder()
        let name = server.url.split(separator: "/")[1].replacing("127.0.0.1", with: "localhost")
        trusting.start(OutgoingRequest(method: .get, url: "https://\(name)/"), delegate: other)
        #expect(await other.end()?.kind == .tls, "the name is checked too")
    }

    @Test("Authorities may be read in advance; without any, nothing is trusted")
    @LoopActor func authorities() async throws {
        let server = try await TLSServer.start()
        defer { server.stop() }
        let request = OutgoingRequest(method: .get, url: server.url)
        var options = UpstreamOptions()
        options.caFile = server.certificate
        options.transfersPerShard = 1
        let client = UpstreamClient(options: options)
        defer { client.close() }
        client.warmUp()
        client.warmUp()
        for _ in 1...3 {
            let recorders = (1...3).map { _ in Recorder() }
            for recorder in recorders { client.start(request, delegate: recorder) }
            for recorder in recorders { #expect(await recorder.end() == nil) }
        }
        options.caFile = server.certificate + ".missing"
        let trustless = UpstreamClient(options: options)
        defer { trustless.close() }
        trustless.warmUp()
        for _ in 1...2 {
            let recorder = Recorder()
            trustless.start(request, delegate: recorder)
            #expect(await recorder.end()?.kind == .tls)
        }
    }
}

/// `openssl s_server` with a certificate of its own for 127.0.0.1.
struct TLSServer: Sendable {
    let url: String
    let certificate: String
    private let folder: String
    private let process: pid_t

    @concurrent static func start() async throws -> TLSServer {
        var template = Array("/tmp/millrace-tls-XXXXXX".utf8CString)
        let folder = unsafe mkdtemp(&template).map { unsafe String(cString: $0) }
        let path = try #require(folder)
        let certificate = path + "/cert.pem"
        let key = path + "/key.pem"
        let make = try spawn([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=millrace test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ])
        var status: Int32 = 0
        unsafe waitpid(make.process, &status, 0)
        close(make.output)
        #expect(status == 0)
        let serve = try spawn([
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key,
        ])
        // It says `ACCEPT 127.0.0.1:port` once it listens.
        let line = readLine(from: serve.output, startingWith: "ACCEPT")
        let port = try #require(line.split(separator: ":").last)
        return TLSServer(
            url: "https://127.0.0.1:\(port)/",
            certificate: certificate,
            folder: path,
            process: serve.process
        )
    }

    func stop() {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        for name in ["cert.pem", "key.pem"] { unsafe unlink(folder + "/" + name) }
        unsafe rmdir(folder)
    }

    private static func spawn(_ words: [String]) throws -> (process: pid_t, output: Int32) {
        var ends: [Int32] = [0, 0]
        unsafe pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for place in 0..<words.count { unsafe free(arguments[place]) } }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
        try #require(code == 0)
        return (process, ends[0])
    }

    private static func readLine(from fd: Int32, startingWith prefix: String) -> String {
        var line = ""
        var byte: UInt8 = 0
        while unsafe read(fd, &byte, 1) == 1 {
            guard byte == 10 else {
                line.unicodeScalars.append(Unicode.Scalar(byte))
                continue
            }
            if line.hasPrefix(prefix) { return line }
            line = ""
        }
        return line
    }
}
