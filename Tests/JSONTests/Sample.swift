/// Documents that several suites use.
enum Sample {
    static let everything = #"""
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "h\u00e9llo \"wörld\" \ud83d\ude00 😀\n"}],
         "temperature": 0.7, "n": -1, "seed": 12345678901234567, "big": 1e-7, "flags": [true, false, null, [], {}],
         "stream": true , "stream_options" :{"include_usage": false}, "": "\\", "metadata":{"a":{"b":[1,2,[3]]}}}
        """#

    static let request = """
        {"model":"openai/gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},\
        {"role":"user","content":"Write a short poem about the sea, please, and keep it under forty words."}],\
        "temperature":0.7,"max_tokens":256,"stream":true,"user":"customer-1234","metadata":{"tag":"benchmark"}}
        """

    static let chunk = """
        {"id":"chatcmpl-9x8y7z6w5v4u3t2s1r0q","object":"chat.completion.chunk","created":1715000000,\
        "model":"gpt-4o-mini-2024","system_fingerprint":"fp_0123456789","choices":[{"index":0,\
        "delta":{"content":" wave"},"finish_reason":null}]}
        """
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct FixedGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
