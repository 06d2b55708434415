import Core
import OpenAIAPI
import Testing

@testable import Providers

@Suite struct FlowGPTReaderTests {
    private let reader = FlowGPTReader(cleaner: PreambleCleaner(markers: ["Response:**"], limit: 150))

    private func run(_ answer: String, _ location: SourceLocation = #_sourceLocation) -> FlowGPTRun {
        FlowGPTRun.everyCut(answer, reader, sourceLocation: location)
    }

    @Test func textComesFromRecordsBetweenBlankLines() {
        let run = run(
            """
            {"event":"text","data":"Seg"}

            {"event":"text","data":"ún 夜市 🎏"}

            {"event":"text","data":" lo que"}

            """
        )
        #expect(run.text == "Según 夜市 🎏 lo que")
        #expect(run.finish == .stop)
        #expect(run.failure == nil)
    }

    @Test func theLastRecordNeedsNoLineEnd() {
        #expect(run(#"{"event":"text","data":"a"}"# + "\r\n" + #"{"data":"b"}"#).text == "ab")
    }

    @Test func whatIsNoTextIsPassedOver() {
        let run = run(
            """
            {"event":"status","data":{"phase":"thinking"}}
            {"event":"ping"}
            {"event":"usage","data":"12 tokens"}
            {"event":"text","data":7}
            [1]
            {"event":"text","data":"a"}
            this line is no JSON
            {"event":null,"data":"b"}
            """
        )
        #expect(run.text == "ab")
        #expect(run.finish == .stop)
    }

    @Test func thePreambleIsTakenAway() {
        let run = run(
            """
            {"event":"text","data":"**Plan:** think. **Respon"}
            {"event":"text","data":"se:**"}
            {"event":"text","data":" "}
            {"event":"text","data":"Hi"}
            """
        )
        #expect(run.text == "Hi")
    }

    @Test func whatWasKeptBackIsNotLostAtTheEnd() {
        let run = run(#"{"event":"text","data":"**Plan:** think. **Respon"}"#)
        #expect(run.text == "**Plan:** think. **Respon")
        #expect(run.finish == .stop)
    }

    @Test(arguments: [
        #"{"event":"error","data":"Something went wrong"}"#, #"{"event":"exception","data":{}}"#,
        #"{"error":{"message":"model overloaded"}}"#, #"{"event":"text","error":"x","data":"y"}"#,
    ])
    func errorsInAnAnswerAreErrors(_ record: String) {
        let run = run(
            #"{"event":"text","data":"Well"}"# + "\n" + record + "\n" + #"{"event":"text","data":"not this"}"#
        )
        #expect(run.text == "Well")
        #expect(run.finish == nil)
        #expect(run.failure == .upstreamError)
        #expect(run.failureClass == .failing)
    }

    @Test func aLimitToldInAnAnswerIsALimit() {
        let run = run(#"{"event":"error","data":"Too many requests, slow down"}"#)
        #expect(run.failure == .rateLimitExceeded)
        #expect(run.failureClass == .rateLimited)
    }

    @Test(arguments: ["", "\n\n", #"{"event":"ping"}"#, #"{"event":"text","data":""}"#, "{}", "null"])
    func anEmptyAnswerIsNone(_ answer: String) {
        let run = run(answer)
        #expect(run.finish == nil)
        #expect(run.failure == .upstreamInvalid)
    }

    @Test func aPageIsTheFirewall() {
        let run = run("<!DOCTYPE html><html>\n<body>Request blocked.</body></html>")
        #expect(run.failure == .upstreamBlocked)
        #expect(run.failureClass == .egressBlocked)
        #expect(run.text.isEmpty)
    }

    @Test func wordsInPlaceOfRecordsAreNoAnswer() {
        let run = run("upstream connect error\n" + #"{"event":"text","data":"a"}"#)
        #expect(run.failure == .upstreamInvalid)
        #expect(run.text.isEmpty)
    }

    @Test func aLineWithoutAnEndIsGivenUp() {
        let part = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let run = FlowGPTRun(Array(repeating: part[...], count: 9), reader)
        #expect(run.failure == .upstreamInvalid)
    }

    @Test func theWayOfSigningIsToldOnlyWhereItIsNews() {
        let answer = #"{"event":"text","data":"a"}"#
        func state(known: FlowGPTSignature?, used: FlowGPTSignature) -> String? {
            let signing = FlowGPTSigning(known: known, first: .authDash, used: used)
            let cleaner = PreambleCleaner(markers: [], limit: 0)
            return FlowGPTRun.everyCut(answer, FlowGPTReader(cleaner: cleaner, signing: signing)).state
        }
        #expect(state(known: nil, used: .authDash) == "auth-dash")
        #expect(state(known: .authDash, used: .authDash) == nil)
        #expect(state(known: .authDash, used: .deviceColon) == "device-colon")
    }
}
