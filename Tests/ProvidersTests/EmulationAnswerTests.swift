import Core
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Structured answers asked for in words")
struct EmulationAnswerTests {
    private func answer(schema: String) throws -> StructuredAnswer {
        let text = #"{"type":"json_schema","json_schema":{"name":"n","schema":\#(schema)}}"#
        let format = try ResponseFormat(JSONDocument(parsing: Array(text.utf8)).root)
        return try #require(StructuredAnswer(format))
    }

    @Test("The form is asked for, with its schema without blanks")
    func instruction() throws {
        #expect(StructuredAnswer(.text) == nil)
        let object = try #require(StructuredAnswer(.jsonObject))
        #expect(object.instruction.contains("one JSON object and nothing else"))
        let schema = try answer(schema: #"{ "type" : "object" }"#)
        #expect(schema.instruction.hasSuffix("\n{\"type\":\"object\"}"))
        #expect(
            schema.repairRequest("Oh.").hasPrefix(
                "Your last answer does not have the form that was asked for. Oh. Answer"
            )
        )
    }

    @Test(
        "The JSON is found in what is around it",
        arguments: [
            (#" {"a":1} "#, #"{"a":1}"#), ("```json\n{\"a\": [1]}\n```", #"{"a": [1]}"#),
            ("See [1]: {oops} and {\"a\":\"}\"} :)", #"{"a":"}"}"#), ("[1] {\"b\":{}}", #"{"b":{}}"#),
            ("{ { {\"a\":1}", #"{"a":1}"#),
        ]
    )
    func found(text: String, json: String) throws {
        #expect(try #require(StructuredAnswer(.jsonObject)).check(text) == .valid(json))
    }

    @Test("Of several values the first that is valid is taken")
    func several() throws {
        let answer = try answer(schema: #"{"required":["b"]}"#)
        #expect(answer.check("{\"a\":1} or {\"b\":1} or {\"b\":2}") == .valid("{\"b\":1}"))
        #expect(answer.check("[1]") == .valid("[1]"))
    }

    @Test(
        "What holds no object says so",
        arguments: [
            ("", "The answer contains no complete JSON value."),
            ("I cannot.", "The answer contains no complete JSON value."),
            ("{\"a\":1", "The answer contains no complete JSON value."), ("[1]", "The answer is not a JSON object."),
            ("3", "The answer is not a JSON object."),
        ]
    )
    func missing(text: String, problem: String) throws {
        #expect(try #require(StructuredAnswer(.jsonObject)).check(text) == .invalid(problem))
    }

    private static let person =
        ##"{"type":"object","properties":{"name":{"type":"string"},"age":{"type":["integer","null"]},"kind":{"enum":["a",1,null,{"x":[1.0]}]},"tags":{"type":"array","items":{"$ref":"#/$defs/tag"},"maxItems":2},"either":{"anyOf":[{"type":"string"},{"type":"object","required":["z"]}]},"one":{"const":"1"},"self":{"$ref":"#"}},"required":["name"],"additionalProperties":false,"$defs":{"tag":{"type":"object","properties":{"t":{"type":"boolean"}},"additionalProperties":{"type":"number"}}}}"##

    @Test(
        "What fits the schema is valid",
        arguments: [
            #"{"name":"x"}"#, #"{"name":"x","age":null,"kind":1.0,"tags":[{"t":true,"n":1.5}]}"#,
            #"{"name":"x","age":3.0}"#,
            #"{"name":"x","kind":{"x":[1]}}"#, #"{"name":"x","either":{"z":1},"one":"1"}"#,
            #"{"n\u0061me":"x","self":{"name":"y","self":{"name":"z"}}}"#,
        ]
    )
    func valid(text: String) throws {
        #expect(try answer(schema: Self.person).check(text) == .valid(text))
    }

    @Test(
        "What does not fit is named",
        arguments: [
            ("{}", "The answer lacks the required property 'name'."),
            ("[]", "The answer must be of type object, not array."),
            (#"{"name":1}"#, "Property 'name' must be of type string, not number."),
            (#"{"name":"x","age":1.5}"#, "Property 'age' must be of type integer or null, not number."),
            (#"{"name":"x","kind":"b"}"#, #"Property 'kind' must be one of ["a",1,null,{"x":[1.0]}]."#),
            (#"{"name":"x","more":1}"#, "The answer has the property 'more', which is not allowed."),
            (#"{"name":"x","tags":[{},{"t":1}]}"#, "Property 'tags', item 1, 't' must be of type boolean, not number."),
            (#"{"name":"x","tags":[{"n":"1"}]}"#, "Property 'tags', item 0, 'n' must be of type number, not string."),
            (#"{"name":"x","tags":[{},{},{}]}"#, "Property 'tags' must have at most 2 items."),
            (
                #"{"name":"x","either":1}"#,
                "Property 'either' fits none of the alternatives; for the first of them: Property 'either' must be of type string, not number."
            ),
            (#"{"name":"x","one":1}"#, #"Property 'one' must be "1"."#),
            (#"{"name":"x","self":{"self":{}}}"#, "Property 'self' lacks the required property 'name'."),
        ]
    )
    func invalid(text: String, problem: String) throws {
        #expect(try answer(schema: Self.person).check(text) == .invalid(problem))
    }

    @Test(
        "Schemas without end or sense hold nobody up",
        .timeLimit(.minutes(1)),
        arguments: [
            ##"{"$ref":"#"}"##, ##"{"$ref":"#/nowhere"}"##, ##"{"$ref":"http://x"}"##,
            #"{"type":7,"items":3,"anyOf":4,"enum":5}"#,
            ##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}],"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##,
            #"{"items":true,"unknown":1}"#,
        ]
    )
    func endless(schema: String) throws {
        #expect(try answer(schema: schema).check(#"{"a":[1]}"#) == .valid(#"{"a":[1]}"#))
    }

    @Test("Hostile answers are searched within bounds", .timeLimit(.minutes(1)))
    func hostile() throws {
        let object = try #require(StructuredAnswer(.jsonObject))
        #expect(
            object.check(String(repeating: "[\"", count: 300_000))
                == .invalid("The answer contains no complete JSON value.")
        )
        #expect(object.check(String(repeating: "{", count: 2_000_000)) == .invalid("The answer is too long."))
    }
}
