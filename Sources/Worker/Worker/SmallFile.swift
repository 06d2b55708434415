import Glibc

/// Reads files of the operator before the loop runs; nothing else here reads any.
enum SmallFile {
    private static let limit = 16 << 20

    /// Nothing when it cannot be read or is larger than any such file has reason to be.
    static func read(_ path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while content.count <= limit {
            let count = unsafe Glibc.read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return content }
            content += piece[..<count]
        }
        return nil
    }
}
