/// An event as the HTML standard's parser sees it: the yardstick for the reader that works in place.
struct DecodedEvent: Equatable, CustomStringConvertible {
    var name: String
    var data: String

    var description: String { "\(name)|\(data.debugDescription)" }
}

/// Follows the standard's words without regard for speed, and like our reader gives out an event that the end of the
/// stream cuts off.
func referenceEvents(_ input: [UInt8]) -> [DecodedEvent] {
    var bytes = input[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    var lines: [[UInt8]] = [[]]
    var index = bytes.startIndex
    while index < bytes.endIndex {
        switch bytes[index] {
        case 0x0D:
            lines.append([])
            if index + 1 < bytes.endIndex, bytes[index + 1] == 0x0A { index += 1 }
        case 0x0A: lines.append([])
        default: lines[lines.count - 1].append(bytes[index])
        }
        index += 1
    }
    // The end of the stream ends the last line and the last event.
    lines.append([])

    var events: [DecodedEvent] = []
    var data: [UInt8]?
    var name: [UInt8] = []
    for line in lines {
        if line.isEmpty {
            if let data {
                events.append(
                    DecodedEvent(
                        name: String(decoding: name, as: UTF8.self),
                        data: String(decoding: data, as: UTF8.self)
                    )
                )
            }
            (data, name) = (nil, [])
            continue
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        let field = String(decoding: line[..<colon], as: UTF8.self)
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch field {
        case "data": data = data.map { $0 + [0x0A] + value } ?? Array(value)
        case "event": name = Array(value)
        default: break
        }
    }
    return events
}
