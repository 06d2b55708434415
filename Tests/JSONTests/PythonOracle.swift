import Foundation

/// Python's `json` as a second opinion: a child process that reads texts and answers with their canonical forms.
enum PythonOracle {
    /// Speaks records of a four-byte length and as many bytes; an answer of "refused" stands for invalid JSON.
    private static let program = #"""
        import json, re, struct, sys

        sys.set_int_max_str_digits(0)
        lone = re.compile("[\ud800-\udfff]")

        def quoted(text):
            text = lone.sub("\ufffd", text)
            return '"' + re.sub("[^a-zA-Z0-9 ]", lambda found: "<%x>" % ord(found.group()), text) + '"'

        def number(digits):
            value = float(digits)
            if value in (float("inf"), float("-inf")):
                return "infinite"
            return "d%x" % struct.unpack("<Q", struct.pack("<d", value))

        def refuse(constant):
            raise ValueError(constant)

        class Members(list):
            pass

        class Number(str):
            pass

        def form(value):
            if value is None:
                return "null"
            if value is True:
                return "true"
            if value is False:
                return "false"
            if isinstance(value, Number):
                return str(value)
            if isinstance(value, str):
                return quoted(value)
            if isinstance(value, Members):
                members = {quoted(key): form(member) for key, member in value}
                return "{" + ",".join(key + ":" + members[key] for key in sorted(members)) + "}"
            return "[" + ",".join(form(element) for element in value) + "]"

        def answer(text):
            try:
                return form(json.loads(
                    text.decode("utf-8"),
                    parse_float=lambda digits: Number(number(digits)),
                    parse_int=lambda digits: Number(int(digits)),
                    parse_constant=refuse,
                    object_pairs_hook=Members,
                ))
            except ValueError:
                return "refused"

        source, target = sys.stdin.buffer, sys.stdout.buffer
        while head := source.read(4):
            reply = answer(source.read(struct.unpack("<I", head)[0])).encode("ascii")
            target.write(struct.pack("<I", len(reply)) + reply)
        """#

    /// The canonical form of each text, nil where Python refuses it.
    static func forms(of texts: [[UInt8]]) throws -> [String?] {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appending(path: "input"), folder.appending(path: "output"))
        try Data(texts.flatMap { length($0.count) + $0 }).write(to: input)
        try Data().write(to: output)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return records(in: [UInt8](try Data(contentsOf: output))).map { $0 == "refused" ? nil : $0 }
    }

    private static func length(_ count: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }

    private static func records(in bytes: [UInt8]) -> [String] {
        var records: [String] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            records.append(String(decoding: rest.prefix(count), as: UTF8.self))
            rest = rest.dropFirst(count)
        }
        return records
    }
}
