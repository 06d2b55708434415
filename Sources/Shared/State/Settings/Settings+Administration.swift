package import Core
internal import Redis

/// Changing and listing settings: for the command line and the console.
extension Settings {
    /// Changes a setting everywhere. Returns when this worker follows; the others do within milliseconds.
    package func set(_ name: String, _ value: String, by who: String) async throws(GatewayError) {
        let definition = try definition(name)
        if let problem = problem(definition, value) { throw .invalid(name, problem) }
        try await change([.literal("set"), .text(name), .text(value), .text(who)])
    }

    /// Returns a setting to its default everywhere.
    package func remove(_ name: String, by who: String) async throws(GatewayError) {
        _ = try definition(name)
        try await change([.literal("remove"), .text(name), "", .text(who)])
    }

    /// All settings, in the order of their definition.
    package func list() -> [Row] {
        definitions.map { definition in
            let standard = defaults[definition.name]
            let value = chosen[definition.name]
            return Row(
                name: definition.name,
                value: value ?? standard?.text ?? definition.fallback,
                defaultValue: standard?.text ?? definition.fallback,
                source: value == nil ? standard?.source ?? .builtIn : .cluster,
                kind: definition.kind,
                description: definition.description
            )
        }
    }

    /// The latest changes, latest first.
    package func changes(count: Int = 100) async throws(GatewayError) -> [Change] {
        do throws(RedisError) {
            let reply = try await redis.command(
                ["XREVRANGE", .literal(Self.audit), "+", "-", "COUNT", .integer(max(1, count))],
                timeout: .seconds(2)
            )
            return reply.elements.compactMap { Change($0.elements) }
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private func definition(_ name: String) throws(GatewayError) -> SettingDefinition {
        guard let definition = definitions.first(where: { $0.name == name }) else {
            throw GatewayError(.notFound, "There is no setting of this name.", source: .client, parameter: "name")
        }
        return definition
    }

    private func change(_ arguments: [RedisArgument]) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.evaluate(
                StateScripts.changeSetting,
                keys: [.literal(Self.hash), .literal(Self.version), .literal(Self.audit)],
                arguments: arguments + [.text(Self.channel)],
                timeout: .seconds(2)
            )
        } catch {
            throw .stateUnavailable(error)
        }
        try await load()
    }
}

extension Settings.Change {
    /// Reads a row of the stream: its place, which begins with the time, then names and values.
    fileprivate init?(_ row: [RedisReply]) {
        guard row.count == 2, let place = row[0].text, let milliseconds = Int(place.prefix { $0 != "-" }) else {
            return nil
        }
        let fields = row[1].fields
        guard let name = fields["name"] else { return nil }
        self.init(
            time: milliseconds / 1_000,
            by: fields["by"] ?? "",
            name: name,
            old: fields["old"],
            new: fields["new"]
        )
    }
}
