internal import Core
internal import JSON

/// One vector as an engine sent it.
struct EmbeddingVector: Sendable, Equatable {
    private(set) var numbers: [Float]

    /// A list of numbers, base64 of 32-bit floats, or one list for each token, of which the mean is taken: what engines
    /// send that have not been told how to pool.
    init(_ value: JSONValue) throws(GatewayError) {
        if let text = value.string {
            guard let bytes = Base64.standard.decode(text), !bytes.isEmpty, bytes.count.isMultiple(of: 4) else {
                throw HuggingFaceEmbeddings.senseless("a vector that is no base64 of floats")
            }
            numbers = stride(from: 0, to: bytes.count, by: 4).map { place in
                Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32($1 * 8) })
            }
        } else if value[0]?.isArray == true {
            numbers = try Self.mean(value)
        } else {
            numbers = try Self.list(value)
        }
        guard numbers.allSatisfy(\.isFinite) else { throw HuggingFaceEmbeddings.senseless("a number that is none") }
    }

    private static func list(_ value: JSONValue) throws(GatewayError) -> [Float] {
        var numbers: [Float] = []
        for element in value.elements {
            guard let number = element.double else { throw HuggingFaceEmbeddings.senseless("a vector of other things") }
            numbers.append(Float(number))
        }
        guard !numbers.isEmpty else { throw HuggingFaceEmbeddings.senseless("an empty vector") }
        return numbers
    }

    private static func mean(_ tokens: JSONValue) throws(GatewayError) -> [Float] {
        var sum: [Float] = []
        var count: Float = 0
        for token in tokens.elements {
            let numbers = try list(token)
            if sum.isEmpty { sum = [Float](repeating: 0, count: numbers.count) }
            guard numbers.count == sum.count else { throw HuggingFaceEmbeddings.senseless("vectors of two lengths") }
            for place in sum.indices { sum[place] += numbers[place] }
            count += 1
        }
        return unit(sum.map { $0 / count })
    }

    /// The first numbers alone, at length one again, where more came than were asked for.
    func shortened(to dimensions: Int?) -> EmbeddingVector {
        guard let dimensions, dimensions > 0, dimensions < numbers.count else { return self }
        var result = self
        result.numbers = Self.unit(Array(numbers.prefix(dimensions)))
        return result
    }

    private static func unit(_ numbers: [Float]) -> [Float] {
        let length = numbers.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? numbers.map { $0 / length } : numbers
    }

    func write(asBase64: Bool, to writer: inout JSONWriter) {
        guard asBase64 else {
            writer.beginArray()
            // The shortest digits of the float itself: those of its widening to double would be noise.
            for number in numbers { writer.raw(.bytes(Array(number.description.utf8))) }
            writer.endArray()
            return
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(numbers.count * 4)
        for number in numbers {
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(shift)))
            }
        }
        writer.string(utf8: Base64.standard.encodeBytes(bytes)[...])
    }
}
