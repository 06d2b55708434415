/// A text that has been checked whole, with its values found but not decoded: strings and numbers stay what their sender
/// wrote until someone asks for them, and unchanged parts are relayed as they are.
package struct JSONDocument: Sendable {
    let text: JSONText

    /// Takes the bytes over without copying.
    package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        text = try JSONText(bytes, limits: limits)
    }

    /// The bytes as they came.
    package var source: [UInt8] { text.source }

    package var root: JSONValue { JSONValue(text: text, index: 0) }
}
