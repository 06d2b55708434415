import Core
import OpenAIAPI
import Providers
import Testing

/// What a translator made of a whole stream.
struct StreamRun: Equatable {
    var text = ""
    var count = 0
    var hasContent = false
    var usage: TokenUsage?
    /// The error's code, or nil when the stream was done.
    var failure: GatewayError.Code?
    var message: String?
    var isDone = false
    var kept: [KeptState] = []

    /// Feeds the pieces in order, then ends the body.
    init(_ pieces: [ArraySlice<UInt8>], of job: Job, with provider: any Provider) {
        var translator = provider.makeStreamTranslator(for: job)
        var output = StreamOutput()
        // Nobody feeds a translator after the end.
        for piece in pieces where !isDone && failure == nil {
            // As the relay does once content flows.
            let unchanged = unsafe hasContent ? piece.withUnsafeBytes { unsafe translator.unchangedEvents(in: $0) } : 0
            if unchanged > 0 {
                text += String(decoding: piece, as: UTF8.self)
                count += unchanged
                continue
            }
            unsafe piece.withUnsafeBytes { unsafe translator.receive($0, into: &output) }
            take(&output)
        }
        if !isDone, failure == nil {
            translator.finish(into: &output)
            take(&output)
        }
    }

    private mutating func take(_ output: inout StreamOutput) {
        text += String(decoding: output.events.readable, as: UTF8.self)
        count += output.count
        hasContent = hasContent || output.hasContent
        if let counted = output.usage { usage = counted }
        kept += output.kept
        switch output.end {
        case .done?: isDone = true
        case .failed(let error)?: (failure, message) = (error.code, error.message)
        case .more?, nil: break
        }
        output.reset()
    }

    /// The same stream whole, cut at every place (or every so many) and byte by byte, all to the same effect.
    static func everyCut(
        _ stream: String,
        wantsUsage: Bool = false,
        with provider: any Provider = OpenAIProvider(baseURL: "http://upstream/v1"),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> StreamRun {
        let options = wantsUsage ? #","stream_options":{"include_usage":true}"# : ""
        let body = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]\#(options)}"#
        let job = Job(try ModelRequest(.chat, body: Array(body.utf8)), model: "m", key: "sk-test")
        return everyCut(Array(stream.utf8), of: job, with: provider, sourceLocation)
    }

    static func everyCut(
        _ bytes: [UInt8],
        of job: Job,
        with provider: any Provider,
        _ sourceLocation: SourceLocation = #_sourceLocation
    ) -> StreamRun {
        let whole = StreamRun([bytes[...]], of: job, with: provider)
        for place in bytes.indices {
            let cut = StreamRun([bytes[..<place], bytes[place...]], of: job, with: provider)
            guard cut == whole else {
                Issue.record("cut before byte \(place): \(cut), whole: \(whole)", sourceLocation: sourceLocation)
                return whole
            }
        }
        let drip = StreamRun(bytes.indices.map { bytes[$0...$0] }, of: job, with: provider)
        #expect(drip == whole, "byte by byte", sourceLocation: sourceLocation)
        return whole
    }
}

/// Events in the plain spelling.
func events(_ payloads: String...) -> String { payloads.map { "data: \($0)\n\n" }.joined() }

let openAI = OpenAIProvider(baseURL: "http://upstream/v1")
let deepSeek = DeepSeekProvider(streamURL: "http://upstream", plainURL: nil)
