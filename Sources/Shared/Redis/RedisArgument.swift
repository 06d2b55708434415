internal import Core

/// One argument of a command; binary safe.
package enum RedisArgument: Sendable {
    case literal(StaticString)
    case text(String)
    case bytes([UInt8])
    case integer(Int)
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: StaticString) { self = .literal(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
}

extension ByteBuffer {
    /// Appends one command as an array of bulk strings, the only form in which clients talk to Redis.
    mutating func append(command arguments: [RedisArgument]) {
        append(UInt8(ascii: "*"))
        append(decimal: arguments.count)
        appendLineEnd()
        for argument in arguments {
            append(UInt8(ascii: "$"))
            switch argument {
            case .literal(let text):
                append(decimal: text.utf8CodeUnitCount)
                appendLineEnd()
                append(text)
            case .text(let text):
                append(decimal: text.utf8.count)
                appendLineEnd()
                append(text)
            case .bytes(let bytes):
                append(decimal: bytes.count)
                appendLineEnd()
                append(bytes)
            case .integer(let number):
                append(decimal: number.decimalLength)
                appendLineEnd()
                append(decimal: number)
            }
            appendLineEnd()
        }
    }

    private mutating func appendLineEnd() {
        append("\r\n" as StaticString)
    }
}

extension Int {
    /// How many characters the number takes in decimal, its sign included.
    fileprivate var decimalLength: Int {
        var rest = magnitude
        var length = self < 0 ? 2 : 1
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        return length
    }
}
