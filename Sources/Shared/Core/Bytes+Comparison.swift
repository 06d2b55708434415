extension Collection<UInt8> {
    /// Whether the bytes spell `text`, ASCII letters compared without their case; `text` must be lower case.
    @inlinable package func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            var place = 0
            for byte in self {
                let lower = byte &- 65 < 26 ? byte | 32 : byte
                guard unsafe lower == wanted[place] else { return false }
                place += 1
            }
            return true
        }
    }

    /// Whether the bytes spell `text` exactly.
    @inlinable package func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { unsafe elementsEqual($0) }
    }

    /// The bytes as text, invalid UTF-8 replaced; for logs and messages, never for relayed data.
    @inlinable package var text: String { String(decoding: self, as: UTF8.self) }
}
