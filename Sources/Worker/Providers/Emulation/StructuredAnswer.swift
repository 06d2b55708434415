internal import Core
internal import JSON
package import OpenAIAPI

/// Asks in words for an answer that is JSON, finds the JSON in what comes, and says what is wrong with it: for upstreams
/// that can be held to no form.
package struct StructuredAnswer: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// The JSON text, without anything around it.
        case valid(String)
        /// What is wrong, in a sentence for the model.
        case invalid(String)
    }

    /// Longer answers are not searched.
    private static let lengthLimit = 1 << 20

    /// What the model is told.
    package let instruction: String
    private let schema: JSONValue?

    /// Nil where the client takes any text.
    package init?(_ format: ResponseFormat) {
        switch format {
        case .text: return nil
        case .jsonObject:
            schema = nil
            instruction = Self.demand("object")
        case .jsonSchema(_, let schema, _):
            self.schema = schema
            instruction =
                Self.demand(Self.isObject(schema) ? "object" : "value")
                + " It must be valid against this JSON schema:\n" + CompactJSON.bytes(schema).text
        }
    }

    /// Judges a whole answer.
    package func check(_ answer: String) -> Verdict {
        guard answer.utf8.count <= Self.lengthLimit else { return .invalid("The answer is too long.") }
        var problem: String?
        for value in EmbeddedJSON.values(in: Array(answer.utf8)) {
            guard let found = self.problem(with: value) else { return .valid(value.raw.text) }
            if problem == nil { problem = found }
        }
        return .invalid(problem ?? "The answer contains no complete JSON value.")
    }

    /// The message that asks the model to do it again; one such attempt is worth its cost.
    package func repairRequest(_ problem: String) -> String {
        "Your last answer does not have the form that was asked for. \(problem) \(instruction)"
    }

    private func problem(with value: JSONValue) -> String? {
        guard let schema else { return value.isObject ? nil : "The answer is not a JSON object." }
        return SchemaCheck.problem(with: value, schema)
    }

    private static func demand(_ noun: String) -> String {
        "Answer with one JSON \(noun) and nothing else: no text before or after it, no code fence."
    }

    private static func isObject(_ schema: JSONValue) -> Bool {
        schema["type"]?.equals("object") == true || schema["properties"]?.isObject == true
    }
}
