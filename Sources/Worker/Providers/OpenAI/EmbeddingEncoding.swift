internal import Core
internal import JSON
internal import OpenAIAPI

/// Gives embeddings the encoding that the client asked for where the upstream took no notice of it. The OpenAI SDK asks
/// for base64 (little-endian 32-bit floats) unless told otherwise, and few other servers know that.
enum EmbeddingEncoding {
    /// The answer in the asked encoding, or nil when it already is.
    static func adapt(_ document: JSONDocument, to request: ModelRequest) -> [UInt8]? {
        let wantsBase64 = request.document.root["encoding_format"]?.equals("base64") == true
        guard let data = document.root["data"],
            data.elements.contains(where: { item in
                guard let embedding = item["embedding"] else { return false }
                return wantsBase64 ? embedding.isArray : embedding.isString
            })
        else { return nil }
        var list = JSONWriter()
        list.beginArray()
        for item in data.elements {
            guard let embedding = item["embedding"] else {
                list.value(item)
                continue
            }
            var encoded = ByteBuffer()
            let value = wantsBase64 ? base64(embedding) : floats(embedding)
            item.append(to: &encoded, editing: [.set("embedding", .bytes(value))])
            list.raw(.bytes(encoded.take()))
        }
        list.endArray()
        return document.replacing([.set("data", .bytes(list.take()))])
    }

    /// An array of numbers as a JSON string.
    private static func base64(_ embedding: JSONValue) -> [UInt8] {
        guard embedding.isArray else { return Array(embedding.raw) }
        return base64(embedding.elements.map { Float($0.double ?? 0) })
    }

    static func base64(_ vector: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * 4)
        for number in vector {
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(shift)))
            }
        }
        return [UInt8(ascii: "\"")] + Base64.standard.encodeBytes(bytes) + [UInt8(ascii: "\"")]
    }

    /// A JSON string as an array of numbers.
    private static func floats(_ embedding: JSONValue) -> [UInt8] {
        guard let text = embedding.string, let bytes = Base64.standard.decode(text), bytes.count.isMultiple(of: 4)
        else {
            return Array(embedding.raw)
        }
        return numbers(
            stride(from: 0, to: bytes.count, by: 4).map { place in
                Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32($1 * 8) })
            }
        )
    }

    static func numbers(_ vector: [Float]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for number in vector {
            // The shortest digits of the float itself: those of its widening to double would be noise.
            writer.raw(number.isFinite ? .bytes(Array(number.description.utf8)) : .null)
        }
        writer.endArray()
        return writer.take()
    }
}
