package import EventLoop
package import Glibc

/// A client with plain blocking system calls on a thread of its own: what tests use to look at our sockets from outside.
package enum BlockingClient {
    /// Sends all of `bytes`, then ends its side and counts what comes back.
    package static func exchange(_ bytes: [UInt8], with address: ListenAddress) async throws -> Int {
        let answer = await converse(bytes, with: address)
        return answer.count
    }

    /// Sends all of `bytes`, ends its side, and returns everything that comes back.
    package static func converse(
        _ bytes: [UInt8],
        with address: ListenAddress,
        endsSending: Bool = true
    ) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            onThread {
                let fd = connect(to: address)
                var answer: [UInt8] = []
                guard fd >= 0 else {
                    continuation.resume(returning: answer)
                    return
                }
                unsafe bytes.withUnsafeBytes { all in
                    var sent = 0
                    while sent < all.count {
                        let count = unsafe send(
                            fd,
                            all.baseAddress?.advanced(by: sent),
                            all.count - sent,
                            Int32(MSG_NOSIGNAL)
                        )
                        guard count > 0 else { return }
                        sent += count
                    }
                }
                if endsSending { shutdown(fd, Int32(SHUT_WR)) }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = unsafe recv(fd, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    answer += buffer[..<count]
                }
                close(fd)
                continuation.resume(returning: answer)
            }
        }
    }

    package static func connect(to address: ListenAddress) -> Int32 {
        let family = if case .unix = address { AF_UNIX } else { AF_INET }
        let fd = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        let code = unsafe withAddress(address) { unsafe Glibc.connect(fd, $0, $1) }
        if code == 0 { return fd }
        close(fd)
        return -1
    }

    package static func withAddress(
        _ address: ListenAddress,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        switch address {
        case .tcp(_, let port):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return unsafe withUnsafePointer(to: &name) { pointer in
                unsafe body(
                    UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_in>.size)
                )
            }
        case .unix(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
            return unsafe withUnsafePointer(to: &name) { pointer in
                unsafe body(
                    UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_un>.size)
                )
            }
        }
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        let box = Box(body)
        var thread = pthread_t()
        unsafe pthread_create(
            &thread,
            nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            },
            Unmanaged.passRetained(box).toOpaque()
        )
        pthread_detach(thread)
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
