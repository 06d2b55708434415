import JSON
import Testing

@Suite struct NumberTests {
    private func root(_ text: String) throws -> JSONValue { try JSONDocument(parsing: Array(text.utf8)).root }

    @Test(
        "Whole numbers are exact up to the limits of 64 bits and absent beyond",
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9007199254740993", 9_007_199_254_740_993),
            ("9223372036854775807", .max), ("9223372036854775808", nil), ("-9223372036854775808", .min),
            ("-9223372036854775809", nil), ("18446744073709551616", nil), ("92233720368547758070", nil),
            ("1234567890123456789012345678901234567890", nil), ("1.0", nil), ("1e3", nil), ("1E0", nil), ("-0.0", nil),
        ] as [(String, Int?)]
    )
    func ints(text: String, number: Int?) throws {
        let value = try root("[\(text)]")[0]
        #expect(value?.int == number)
        #expect(value?.raw == ArraySlice(text.utf8))
    }

    @Test(
        "Doubles are the nearest ones",
        arguments: [
            ("0", 0), ("1", 1), ("-1.5", -1.5), ("0.1", 0.1), ("0.7", 0.7), ("1e-7", 1e-7), ("1E+22", 1e22),
            ("1e23", 1e23),
            ("9007199254740993", 9_007_199_254_740_992),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("1.7976931348623157e308", .greatestFiniteMagnitude), ("1.8e308", nil), ("-1.8e308", nil), ("1e999", nil),
            ("1e-400", 0), ("4.9e-324", .leastNonzeroMagnitude), ("2e-324", 0),
            ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
            ("0.000000000000000000000000000000000000000000001e45", 1), ("0e999999999", 0),
            ("2.00000000000000011102230246251565404236316680908203125", 2),
        ] as [(String, Double?)]
    )
    func doubles(text: String, number: Double?) throws {
        #expect(try root(text).double == number)
        #expect(try root(" \(text) ").double == number)
    }

    @Test("Minus zero keeps its sign as a double")
    func minusZero() throws {
        #expect(try root("-0.0").double?.sign == .minus)
        #expect(try root("-0").double?.sign == .minus)
    }

    @Test("Doubles are written so that they read back the same")
    func roundTrips() throws {
        var generator = FixedGenerator(seed: 11)
        var numbers: [Double] = [
            0, -0.0, 0.1, 0.7, 1, 100, 1e15, 1e16, 1e17, 123456789012345680, 1e21, 1e22, 1e-4, 1e-5, 1e-7,
            .leastNonzeroMagnitude, .pi,
            .greatestFiniteMagnitude, .leastNormalMagnitude,
        ]
        for _ in 0..<5_000 {
            let number = Double(bitPattern: generator.next())
            if number.isFinite { numbers.append(number) }
        }
        var writer = JSONWriter()
        writer.beginArray()
        for number in numbers { writer.double(number) }
        writer.endArray()
        let document = try JSONDocument(parsing: writer.take())
        #expect(document.root.elements.map { $0.double?.bitPattern } == numbers.map(\.bitPattern))
    }
}
