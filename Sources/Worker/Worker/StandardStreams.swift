import Core
import Glibc

/// The process's own output.
enum StandardStreams {
    static func print(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }

    static func complain(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

    /// The log: whole lines to standard error. A line is one system call, so that lines of several processes on one pipe
    /// stay whole.
    static func log(level: LogLevel) -> Log {
        Log(
            level: level,
            now: {
                var moment = timespec()
                unsafe clock_gettime(CLOCK_REALTIME, &moment)
                return (moment.tv_sec, moment.tv_nsec / 1_000_000)
            },
            sink: { write($0, to: STDERR_FILENO) }
        )
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        unsafe bytes.withUnsafeBytes { all in
            var written = 0
            while written < all.count {
                let count = unsafe Glibc.write(descriptor, all.baseAddress?.advanced(by: written), all.count - written)
                // A log that cannot be written must not stop the service.
                guard count > 0 || errno == EINTR else { return }
                written += max(0, count)
            }
        }
    }
}

extension StandardStreams {
    /// All of standard input; nothing when it cannot be read or is longer than `most` bytes. Blocks until its end.
    static func readAll(most: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= most {
            let count = unsafe Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                guard errno == EINTR else { return nil }
                continue
            }
            bytes += buffer[..<count]
        }
        return nil
    }
}
