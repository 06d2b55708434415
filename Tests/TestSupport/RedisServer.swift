internal import EventLoop
internal import Glibc
internal import Synchronization

/// A private redis-server in a directory of its own, on a unix socket and a free port of the loopback, which tests may
/// stop and kill as they like. Nothing of it survives `stop()`. It may also be a node of a cluster or a sentinel.
package final class RedisServer: Sendable {
    package struct Failure: Error {
        package let reason: String
    }

    package let directory: String
    package let port: UInt16
    private let words: [String]
    private let process = Mutex<pid_t>(0)

    package var unixPath: String { directory + "/redis.sock" }
    package var unixURL: String { "unix://" + unixPath }
    package var tcpURL: String { "redis://127.0.0.1:\(port)" }

    /// Starts a server; it accepts connections a few milliseconds later. With `appendOnly` it remembers everything that
    /// it has answered; `arguments` are added to its command line.
    package init(password: String? = nil, appendOnly: Bool = false, arguments: [String] = []) throws {
        directory = try Self.makeDirectory()
        port = Self.freePort()
        var words = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", directory + "/redis.sock", "--dir", directory,
            "--save", "", "--daemonize", "no", "--logfile", directory + "/redis.log",
        ]
        words += appendOnly ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]
        if let password { words += ["--requirepass", password] }
        self.words = words + arguments
        try start()
    }

    /// Starts a sentinel that watches the master at `port` under `name` and, when so many sentinels agree, replaces it.
    package init(watching port: UInt16, as name: String, quorum: Int) throws {
        directory = try Self.makeDirectory()
        self.port = Self.freePort()
        let text = """
            port \(self.port)
            bind 127.0.0.1
            unixsocket \(directory)/redis.sock
            dir \(directory)
            logfile \(directory)/redis.log
            sentinel monitor \(name) 127.0.0.1 \(port) \(quorum)
            sentinel down-after-milliseconds \(name) 400
            sentinel failover-timeout \(name) 3000

            """
        let path = directory + "/sentinel.conf"
        words = [path, "--sentinel"]
        guard let file = unsafe fopen(path, "w") else { throw Failure(reason: "no configuration can be written") }
        unsafe fputs(text, file)
        unsafe fclose(file)
        try start()
    }

    deinit { stop() }

    /// Starts the server, again after `kill()`, in the same place; unless it keeps a file, with empty memory.
    package func start() throws {
        let arguments = ["redis-server"] + words
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawnp(&pid, "redis-server", nil, nil, words, environ)
        guard code == 0 else { throw Failure(reason: "redis-server does not start: code \(code)") }
        process.withLock { $0 = pid }
    }

    /// The end without a goodbye.
    package func kill() {
        process.withLock { pid in
            guard pid > 0 else { return }
            Glibc.kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            pid = 0
        }
    }

    /// From now on the server is there but does nothing; returns when the system has stopped it.
    package func freeze() {
        signal(SIGSTOP)
        let pid = process.withLock { $0 }
        var status: Int32 = 0
        if pid > 0 { unsafe waitpid(pid, &status, WUNTRACED) }
    }

    package func thaw() {
        signal(SIGCONT)
    }

    package func stop() {
        kill()
        Self.removeFolder(directory)
    }

    private func signal(_ number: Int32) {
        process.withLock { pid in
            if pid > 0 { Glibc.kill(pid, number) }
        }
    }

    /// A port nobody uses and no other server of this process was given. It is below those the system hands out by
    /// itself, so that no connection made meanwhile takes it.
    package static func freePort() -> UInt16 {
        given.withLock { given in
            while true {
                let port = UInt16.random(in: 20_000..<32_000)
                guard !given.contains(port) else { continue }
                let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(fd) }
                let address = ListenAddress.tcp(host: "127.0.0.1", port: port)
                guard unsafe BlockingClient.withAddress(address, { unsafe bind(fd, $0, $1) }) == 0 else { continue }
                given.insert(port)
                return port
            }
        }
    }

    private static func makeDirectory() throws -> String {
        var template = Array("/tmp/millrace-redis-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure(reason: "no temporary directory") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func removeFolder(_ path: String) {
        guard let folder = unsafe opendir(path) else { return }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Of a folder inside, such as the append-only file's, `unlink` says that it is one.
            guard name != ".", name != "..", unsafe unlink(path + "/" + name) != 0 else { continue }
            removeFolder(path + "/" + name)
        }
        unsafe closedir(folder)
        unsafe rmdir(path)
    }

    private static let given = Mutex<Set<UInt16>>([])
}
