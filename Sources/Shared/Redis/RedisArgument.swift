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
        append(length: arguments.count)
        for argument in arguments {
            append(UInt8(ascii: "$"))
            switch argument {
            case .literal(let text):
                append(length: text.utf8CodeUnitCount)
                append(text)
            case .text(let text):
                append(length: text.utf8.count)
                append(text)
            case .bytes(let bytes):
                append(length: bytes.count)
                append(bytes)
            case .integer(let number):
                append(length: number.decimalLength)
                append(decimal: number)
            }
            appendLineEnd()
        }
    }

    /// Most lengths have one or two digits; the general way for numbers costs several times as much.
    private mutating func append(length: Int) {
        if length < 10 {
            append(UInt8(ascii: "0") + UInt8(length))
        } else if length < 100 {
            append(UInt8(ascii: "0") + UInt8(length / 10))
            append(UInt8(ascii: "0") + UInt8(length % 10))
        } else {
            append(decimal: length)
        }
        appendLineEnd()
    }

    private mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
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
