import Core
import Dialects
import JSON

/// Errors as the site's own pages read them, with what our other clients know beside it.
struct MirrorErrors: DialectErrors {
    func body(_ error: GatewayError, requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("detail")
        writer.beginObject()
        writer.member("message", error.message)
        writer.member("code", error.upstreamCode ?? error.code.rawValue)
        writer.member("request_id", requestID)
        writer.endObject()
        writer.endObject()
        return writer.take()
    }
}
