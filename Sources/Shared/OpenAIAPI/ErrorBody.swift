package import Core
internal import JSON

/// The error shape of the public endpoint.
package enum ErrorBody {
    /// Appends `{"error":{…}}`.
    package static func append(_ error: GatewayError, requestID: String, to buffer: inout ByteBuffer) {
        buffer.appendJSON { writer in
            writer.beginObject()
            writer.key("error")
            writer.beginObject()
            writer.member("message", error.message)
            writer.member("type", error.type)
            writer.key("param")
            if let parameter = error.parameter { writer.string(parameter) } else { writer.null() }
            writer.member("code", error.upstreamCode ?? error.code.rawValue)
            writer.member("request_id", requestID)
            writer.endObject()
            writer.endObject()
        }
    }

    package static func bytes(_ error: GatewayError, requestID: String) -> [UInt8] {
        var buffer = ByteBuffer()
        append(error, requestID: requestID, to: &buffer)
        return buffer.take()
    }

    /// Appends the error as an event of a stream that has begun.
    package static func appendEvent(_ error: GatewayError, requestID: String, to buffer: inout ByteBuffer) {
        buffer.append("data: " as StaticString)
        append(error, requestID: requestID, to: &buffer)
        buffer.append("\n\n" as StaticString)
    }
}
