import Testing

@testable import Providers

@Suite struct PreambleCleanerTests {
    private static let long = String(repeating: "a", count: 151)

    private func pieces(_ chunks: [String], markers: [String] = ["Response:**"], limit: Int = 150) -> [String] {
        var cleaner = PreambleCleaner(markers: markers, limit: limit)
        return chunks.map { cleaner.feed($0) } + [cleaner.finish()]
    }

    @Test(arguments: [
        (["Hello"], ["", "Hello"]),
        (["**Plan:** think. **Respon", "se:** Hi", " there"], ["", "Hi", " there", ""]),
        (["**Response:**", "  \n", "Hi"], ["", "", "Hi", ""]),
        ([long, "bc", "d"], [long, "bc", "d", ""]),
        ([long, "Response:** x"], [long, "Response:** x", ""]),
        (["Response:**a", "Response:**b"], ["a", "Response:**b", ""]),
    ])
    func takesAwayWhatComesBeforeAnEarlyMarker(_ chunks: [String], _ expected: [String]) {
        #expect(pieces(chunks) == expected)
    }

    @Test(arguments: [
        "Hello", "**Plan:** think. **Response:** Hi there", "**Response:**  \nHi", long + "Response:** x",
        "Response:**aResponse:**b", String(repeating: "a", count: 140) + "Response:** x",
        String(repeating: "é", count: 141) + "Response:** x", "夜市 🎏 **Response:** \u{2003}夜市 🎏", "Response:*",
        "Response:**", "",
    ])
    func doesTheSameHoweverTheTextIsCut(_ text: String) {
        let whole = pieces([text]).joined()
        let scalars = Array(text.unicodeScalars)
        for place in scalars.indices {
            let parts = [scalars[..<place], scalars[place...]].map { part in
                var text = String.UnicodeScalarView()
                text.append(contentsOf: part)
                return String(text)
            }
            #expect(pieces(parts).joined() == whole, "cut before \(place)")
        }
        #expect(pieces(scalars.map { String(Character($0)) }).joined() == whole, "one by one")
    }

    @Test func nothingIsSaidTwiceAfterTheMarker() {
        let chunks = ["x Response:** one", " two", " three"]
        #expect(pieces(chunks).joined() == "one two three")
    }

    @Test func longTextFlowsAsItComesOnceItIsPlain() {
        var cleaner = PreambleCleaner(markers: ["Response:**"], limit: 10)
        #expect(cleaner.feed("0123456789") == "")
        #expect(cleaner.feed("0") == "01234567890")
        for _ in 0..<5 { #expect(cleaner.feed("more") == "more") }
        #expect(cleaner.finish() == "")
    }

    @Test func countsScalarsAndNotBytes() {
        #expect(pieces([String(repeating: "é", count: 150), "Response:**"])[0] == "")
        #expect(pieces([String(repeating: "é", count: 151)])[0] != "")
    }

    @Test func theFirstOfSeveralMarkersCounts() {
        #expect(
            pieces(["a Answer: b Response:** c"], markers: ["Response:**", "Answer:"]).joined() == "b Response:** c"
        )
    }

    @Test func aLimitOfZeroCleansNothing() {
        #expect(pieces(["x Response:** y"], limit: 0) == ["x Response:** y", ""])
        #expect(pieces(["x Response:** y"], markers: []) == ["x Response:** y", ""])
    }
}
