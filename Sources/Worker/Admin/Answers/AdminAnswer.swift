import Core
import HTTPCodec
import JSON

/// What the administration answers: always JSON, never to be stored.
struct AdminAnswer: Sendable {
    var status = 200
    let body: [UInt8]
    var headers: [HTTPHeader] = []

    init(status: Int = 200, _ write: (inout JSONWriter) -> Void) {
        self.status = status
        var writer = JSONWriter()
        write(&writer)
        body = writer.take()
    }

    /// An object that is no more.
    static func deleted(_ object: String, _ id: String) -> AdminAnswer {
        AdminAnswer { writer in
            writer.beginObject()
            writer.member("object", object)
            writer.member("id", id)
            writer.member("deleted", true)
            writer.endObject()
        }
    }

    /// A page of a list; `next` is what `after` takes to read on, `beside` writes members of the list itself.
    static func list<Row>(
        _ rows: [Row],
        next: String? = nil,
        beside: (inout JSONWriter) -> Void = { _ in },
        _ write: (Row, inout JSONWriter) -> Void
    ) -> AdminAnswer {
        AdminAnswer { writer in
            writer.beginObject()
            writer.member("object", "list")
            writer.key("data")
            writer.beginArray()
            for row in rows { write(row, &writer) }
            writer.endArray()
            writer.member("has_more", next != nil)
            writer.key("next")
            if let next { writer.string(next) } else { writer.null() }
            beside(&writer)
            writer.endObject()
        }
    }
}

extension JSONWriter {
    /// The number, or null.
    mutating func member(_ name: StaticString, _ number: Int?) {
        key(name)
        if let number { integer(number) } else { null() }
    }

    /// The text, or null.
    mutating func member(_ name: StaticString, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    mutating func member(_ name: StaticString, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { string(text) }
        endArray()
    }
}
