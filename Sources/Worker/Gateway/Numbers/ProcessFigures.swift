import Glibc

/// What the system knows about this process.
struct ProcessFigures {
    /// Seconds since 1970 at which the figures were first asked for, which is when the worker starts.
    private let startedAt = WallClock.seconds()
    private let pageSize = sysconf(Int32(_SC_PAGESIZE))

    func write(to writer: inout MetricsWriter) {
        writer.begin(.started)
        writer.sample(startedAt)
        if let bytes = residentBytes() {
            writer.begin(.memory)
            writer.sample(bytes)
        }
        var time = timespec()
        if unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            writer.begin(.processor)
            writer.sample(Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
        }
        if let count = openDescriptors() {
            writer.begin(.descriptors)
            writer.sample(count)
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            writer.begin(.descriptorLimit)
            writer.sample(Int(clamping: limit.rlim_cur))
        }
    }

    /// The second number of statm is the resident set in pages. A file of the kernel's memory, so reading does not block.
    private func residentBytes() -> Int? {
        let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe read(file, &text, text.count)
        guard count > 0 else { return nil }
        let words = text[..<count].split(separator: UInt8(ascii: " "))
        guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else { return nil }
        return pages * pageSize
    }

    /// Kernels since 6.2 tell the number as the folder's size; on older ones it is counted, which takes a microsecond for
    /// each.
    private func openDescriptors() -> Int? {
        var status = stat()
        guard unsafe stat("/proc/self/fd", &status) == 0 else { return nil }
        if status.st_size > 0 { return status.st_size }
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // Two are no descriptors but the folder and the one above it; one is the look itself.
        return count - 3
    }
}
