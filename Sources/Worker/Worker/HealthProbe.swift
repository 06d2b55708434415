import EventLoop
import Glibc

/// Asks a worker on this machine whether it is ready: what a container's health check runs. Blocking, since it is all
/// the process does.
enum HealthProbe {
    static func ask(_ address: ListenAddress) -> Bool {
        guard let socket = connected(to: address) else { return false }
        defer { close(socket) }
        let request = Array("GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        guard unsafe send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return false }
        var answer = [UInt8](repeating: 0, count: 12)
        let count = unsafe recv(socket, &answer, answer.count, Int32(MSG_WAITALL))
        return count == 12 && answer.elementsEqual("HTTP/1.1 200".utf8)
    }

    private static func connected(to address: ListenAddress) -> Int32? {
        let isUnix = if case .unix = address { true } else { false }
        let descriptor = socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var patience = timeval(tv_sec: 3, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        let code: Int32
        switch address {
        case .tcp(let host, let port):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            // A worker that listens everywhere also listens here.
            unsafe inet_pton(AF_INET, host == "0.0.0.0" || host == "localhost" ? "127.0.0.1" : host, &name.sin_addr)
            code = unsafe withUnsafePointer(to: &name) { pointer in
                unsafe connect(
                    descriptor,
                    UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_in>.size)
                )
            }
        case .unix(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
            code = unsafe withUnsafePointer(to: &name) { pointer in
                unsafe connect(
                    descriptor,
                    UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_un>.size)
                )
            }
        }
        if code == 0 { return descriptor }
        close(descriptor)
        return nil
    }
}
