import JSON

/// The operator's aliases: `MODEL_ROUTES`, from a public name to ranks of candidates. Candidates of one rank share the
/// load by weight; a later rank serves when the earlier ones cannot.
package struct ModelRoutes: Sendable {
    struct Target: Sendable, Equatable {
        let model: String
        let weight: Int
    }

    package struct Problem: Error {
        package let message: String
    }

    let ranks: [String: [[Target]]]

    package init() { ranks = [:] }

    /// Reads `{"name": ["provider/model", {"model": …, "weight": 2}, [equal, candidates]]}`.
    package init(_ text: String) throws(Problem) {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(parsing: Array(text.utf8))
        } catch {
            throw Problem(message: "MODEL_ROUTES is not valid JSON: \(error.description)")
        }
        guard document.root.isObject else { throw Problem(message: "MODEL_ROUTES must be a JSON object") }
        var ranks: [String: [[Target]]] = [:]
        for (key, value) in document.root.members {
            let name = key.string ?? ""
            guard !name.isEmpty, value.isArray, value.count > 0 else {
                throw Problem(message: "MODEL_ROUTES: '\(name)' must be a list of at least one candidate")
            }
            var list: [[Target]] = []
            for entry in value.elements {
                var rank: [Target] = []
                if entry.isArray {
                    for equal in entry.elements { rank.append(try Self.target(equal, of: name)) }
                } else {
                    rank.append(try Self.target(entry, of: name))
                }
                guard !rank.isEmpty else { throw Problem(message: "MODEL_ROUTES: '\(name)' has an empty rank") }
                list.append(rank)
            }
            ranks[name] = list
        }
        self.ranks = ranks
    }

    private static func target(_ value: JSONValue, of name: String) throws(Problem) -> Target {
        let model = value.string ?? value["model"]?.string ?? ""
        let weight = value["weight"].map { $0.int ?? 0 } ?? 1
        guard model.contains("/"), (1...1_000_000).contains(weight) else {
            throw Problem(
                message: "MODEL_ROUTES: a candidate of '\(name)' must be \"provider/model\", or an object of such a "
                    + "'model' and a 'weight' above 0"
            )
        }
        return Target(model: model, weight: weight)
    }
}
