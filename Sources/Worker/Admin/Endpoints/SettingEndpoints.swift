import Core
import EventLoop
import HTTPCodec
import JSON
import State

/// What can be changed while the cluster runs.
@LoopActor
struct SettingEndpoints {
    let settings: Settings

    func list(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        _ = try request.query(allowing: [])
        try await settings.load()
        let changes = try await settings.changes(count: 50)
        let rows = settings.list()
        return AdminAnswer { writer in
            writer.beginObject()
            writer.member("object", "list")
            writer.key("data")
            writer.beginArray()
            for row in rows { SettingJSON.write(row, to: &writer) }
            writer.endArray()
            writer.key("changes")
            writer.beginArray()
            for change in changes { SettingJSON.write(change, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }

    func answer(
        _ name: String,
        _ request: AdminRequest,
        _ caller: AdminAuthenticator.Caller
    ) async throws(GatewayError) -> AdminAnswer {
        switch request.method {
        case .put:
            let body = try AdminObject(request, allowing: ["value"])
            guard let value = body.member("value") else {
                throw .invalid("value", "'value' is required.", code: .missingParameter)
            }
            do throws(GatewayError) {
                try await settings.set(name, SettingJSON.text(value), by: caller.user)
            } catch {
                var error = error
                if error.code == .invalidRequest { error.parameter = "value" }
                throw error
            }
        case .delete: try await settings.remove(name, by: caller.user)
        default: try await settings.load()
        }
        guard let row = settings.list().first(where: { $0.name == name }) else {
            throw .invalid("name", "There is no setting of this name.", code: .notFound)
        }
        return AdminAnswer { SettingJSON.write(row, to: &$0) }
    }
}
