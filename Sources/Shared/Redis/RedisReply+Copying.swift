internal import CHiredis

extension RedisReply {
    /// Copies hiredis' tree; its reader limits the depth.
    @safe init(copying raw: UnsafePointer<redisReply>) {
        let reply = unsafe raw.pointee
        switch unsafe reply.type {
        case REDIS_REPLY_INTEGER: self = unsafe .integer(Int(reply.integer))
        case REDIS_REPLY_STRING: self = unsafe .bulk(Array(reply.content))
        case REDIS_REPLY_STATUS: self = unsafe .status(String(decoding: reply.content, as: UTF8.self))
        case REDIS_REPLY_ERROR: self = unsafe .error(String(decoding: reply.content, as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            var elements: [RedisReply] = []
            unsafe elements.reserveCapacity(reply.elements)
            for place in 0..<(unsafe reply.elements) {
                guard let element = unsafe reply.element[place] else { continue }
                elements.append(RedisReply(copying: element))
            }
            self = .array(elements)
        default: self = .null
        }
    }
}

extension redisReply {
    fileprivate var content: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: str, count: len) }
}
