import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

private let turn = #""contents":[{"role":"user","parts":[{"text":"x"}]}]"#

@Suite("Requests to Gemini")
struct GeminiRequestTests {
    @Test("Addresses, method, key in a header, never in the address")
    func addresses() throws {
        let plain = try geminiSent(geminiJob())
        #expect(plain.url == "http://upstream/v1beta/models/gemini-2.5-flash:generateContent")
        #expect(plain.method == .post)
        #expect(plain.headers.contains(HTTPHeader("x-goog-api-key", "sk-test")))
        #expect(!plain.headers.contains { $0.name.lowercased() == "authorization" })
        let stream = try geminiSent(geminiJob(#""stream":true"#))
        #expect(stream.url == "http://upstream/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
        #expect(stream.headers.contains(HTTPHeader("Accept-Encoding", "identity")))
        #expect(gemini.modelsRequest(key: "k")?.url == "http://upstream/v1beta/models?pageSize=1000")
        let versioned = GeminiProvider(baseURL: "http://upstream/v1alpha", now: { 0 })
        #expect(versioned.baseURL == "http://upstream/v1alpha")
    }

    @Test(
        "Prefixes come off once, and no name leads elsewhere",
        arguments: [
            ("models/embedding-001", "models/embedding-001"), ("gemini/gemini-pro", "models/gemini-pro"),
            ("gemini/models/gemini-pro", "models/gemini-pro"), ("tunedModels/my-1", "tunedModels/my-1"),
            ("../x?key=1#é", "models/..%2Fx%3Fkey%3D1%23%C3%A9"),
        ]
    )
    func names(_ model: String, _ path: String) throws {
        #expect(try geminiSent(geminiJob(model: model)).url == "http://upstream/v1beta/\(path):generateContent")
    }

    @Test("Bare names are owned by family")
    func owns() {
        for model in ["gemini-1.5-pro-latest", "models/embedding-001"] { #expect(gemini.owns(model)) }
        for model in ["gpt-4o", "geminix", ""] { #expect(!gemini.owns(model)) }
    }

    @Test(
        "Each parameter has its word",
        arguments: [
            (#""temperature":0.80"#, #""temperature":0.80"#), (#""top_p":0.95"#, #""topP":0.95"#),
            (#""top_k":40"#, #""topK":40"#), (#""n":2"#, #""candidateCount":2"#),
            (#""max_tokens":9"#, #""maxOutputTokens":9"#),
            (#""max_tokens":9,"max_completion_tokens":8"#, #""maxOutputTokens":8"#),
            (#""stop":"END""#, #""stopSequences":["END"]"#), (#""stop":["a","\n"]"#, #""stopSequences":["a","\n"]"#),
            (#""seed":7"#, #""seed":7"#), (#""seed":4294967297"#, #""seed":1"#),
            (#""presence_penalty":0.1,"frequency_penalty":-0.2"#, #""presencePenalty":0.1,"frequencyPenalty":-0.2"#),
            (#""logprobs":true,"top_logprobs":3"#, #""responseLogprobs":true,"logprobs":3"#),
            (#""logprobs":true,"top_logprobs":0"#, #""responseLogprobs":true"#),
            (#""response_format":{"type":"json_object"}"#, #""responseMimeType":"application/json""#),
            (
                ##""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"$ref":"#/$defs/A"}}}"##,
                ##""responseMimeType":"application/json","responseJsonSchema":{"$ref":"#/$defs/A"}"##
            ),
            (#""modalities":["text","image"]"#, #""responseModalities":["TEXT","IMAGE"]"#),
            (
                #""modalities":["audio"],"audio":{"voice":"Kore","format":"wav"}"#,
                #""responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}"#
            ),
            (
                #""generation_config":{"temperature":1,"imageConfig":{"aspectRatio":"1:1"}},"temperature":0"#,
                #""temperature":0,"imageConfig":{"aspectRatio":"1:1"}"#
            ),
            (#""thinkingConfig":{"thinkingBudget":-1}"#, #""thinkingConfig":{"thinkingBudget":-1}"#),
            (
                #""extra_body":{"google":{"thinking_config":{"include_thoughts":true}}}"#,
                #""thinkingConfig":{"include_thoughts":true}"#
            ),
        ] as [(String, String)]
    )
    func configuration(_ members: String, _ expected: String) throws {
        #expect(try geminiBody(members) == #"{\#(turn),"generationConfig":{\#(expected)}}"#)
    }

    @Test(
        "What asks for nothing, and what has no meaning here, is left out",
        arguments: [
            "", #""presence_penalty":0,"frequency_penalty":0.0,"n":1,"logprobs":false,"stop":null"#,
            #""user":"u","metadata":{"a":"b"},"parallel_tool_calls":false,"store":true"#,
            #""modalities":["text"],"service_tier":"auto","response_format":{"type":"text"},"tools":[]"#,
            #""tool_choice":"auto""#,
        ]
    )
    func neutral(_ members: String) throws {
        #expect(try geminiBody(members) == "{\(turn)}")
    }

    @Test("Google's own parameters pass in both spellings")
    func extras() throws {
        let settings = #"[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]"#
        for name in ["safety_settings", "safetySettings"] {
            #expect(try geminiBody("\"\(name)\":\(settings)") == #"{\#(turn),"safetySettings":\#(settings)}"#)
        }
        #expect(try geminiBody(#""google":{"cached_content":"c/1"}"#) == #"{\#(turn),"cachedContent":"c/1"}"#)
    }

    @Test(
        "Effort is a budget for 2.5 and a level for later models",
        arguments: [
            ("gemini-2.5-flash", "none", #"{"thinkingBudget":0}"#),
            ("gemini-2.5-pro", "none", #"{"thinkingBudget":128}"#),
            ("gemini-2.5-flash", "minimal", #"{"includeThoughts":true,"thinkingBudget":512}"#),
            ("gemini-2.5-flash", "low", #"{"includeThoughts":true,"thinkingBudget":1024}"#),
            ("gemini-2.5-pro-preview-05-06", "medium", #"{"includeThoughts":true,"thinkingBudget":8192}"#),
            ("gemini-2.5-flash", "xhigh", #"{"includeThoughts":true,"thinkingBudget":24576}"#),
            ("gemini-3-flash-preview", "none", #"{"thinkingLevel":"minimal"}"#),
            ("gemini-3-pro-preview", "minimal", #"{"includeThoughts":true,"thinkingLevel":"low"}"#),
            ("gemini-3-pro-preview", "medium", #"{"includeThoughts":true,"thinkingLevel":"high"}"#),
            ("gemini-3.1-pro", "medium", #"{"includeThoughts":true,"thinkingLevel":"medium"}"#),
            ("gemini-flash-latest", "max", #"{"includeThoughts":true,"thinkingLevel":"high"}"#),
        ] as [(String, String, String)]
    )
    func effort(_ model: String, _ effort: String, _ expected: String) throws {
        let body = try geminiBody(#""reasoning_effort":"\#(effort)""#, model: model)
        #expect(body == #"{\#(turn),"generationConfig":{"thinkingConfig":\#(expected)}}"#)
    }

    @Test(
        "What Gemini lacks is refused with its name, and left out where the operator wants that",
        arguments: [
            (#""logit_bias":{"1":2}"#, "logit_bias"), (#""service_tier":"flex""#, "service_tier"),
            (#""prediction":{"type":"content"}"#, "prediction"), (#""google":{"x":1}"#, "google.x"),
            (#""extra_body":{"y":1}"#, "extra_body.y"),
            (
                #""tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_object"}"#,
                "response_format"
            ),
        ] as [(String, String)]
    )
    func lacks(_ members: String, _ parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try geminiBody(members) }
        #expect(error?.parameter == parameter)
        #expect(error?.code == .unsupportedParameter)
        #expect(error?.retry == .elsewhere)
        let dropped = try geminiSent(geminiJob(members, dropsUnsupported: true)).body.text
        #expect(!dropped.contains("generationConfig") && !dropped.contains("\(parameter)"))
    }

    @Test(
        "What cannot be meant is refused with its name",
        arguments: [
            (#""stop":["1","2","3","4","5","6"]"#, "stop"), (#""logprobs":3"#, "logprobs"),
            (#""top_k":"a""#, "top_k"), (#""modalities":["smell"]"#, "modalities"),
            (#""safety_settings":{}"#, nil), (#""safety_settings":{"a":1}"#, "safety_settings"),
            (#""cached_content":1"#, "cached_content"), (#""thinking_config":[1]"#, "thinking_config"),
            (#""audio":{"voice":1}"#, "audio.voice"),
        ] as [(String, String?)]
    )
    func malformed(_ members: String, _ parameter: String?) {
        let error = #expect(throws: GatewayError.self) { try geminiBody(members) }
        #expect(error?.status == 400)
        #expect(parameter == nil || error?.parameter == parameter)
    }

    @Test("Models that do not think are not asked to, and old completions are not served")
    func unable() throws {
        let error = #expect(throws: GatewayError.self) {
            try geminiBody(#""reasoning_effort":"low""#, model: "gemini-2.0-flash")
        }
        #expect(error?.parameter == "reasoning_effort")
        #expect(try geminiBody(#""reasoning_effort":"none""#, model: "gemini-2.0-flash") == "{\(turn)}")
        let request = try ModelRequest(.completion, body: Array(#"{"model":"m","prompt":"x"}"#.utf8))
        #expect(throws: GatewayError.self) { try gemini.translate(Job(request, model: "m", key: "")) }
    }

    @Test("JSON and tools go together from the third generation on")
    func joined() throws {
        let members =
            #""tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_object"}"#
        let body = try geminiBody(members, model: "gemini-3-pro-preview")
        #expect(body.hasSuffix(#""generationConfig":{"responseMimeType":"application/json"}}"#))
    }
}
