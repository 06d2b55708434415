internal import Core
package import EventLoop
internal import HTTPCodec

/// Accepts connections and hands their requests to one handler.
@LoopActor
package final class HTTPServer {
    let options: ServerOptions
    let handler: any RequestHandler
    /// Where every response is put together before it is written; empty between writes.
    var output = ByteBuffer()
    /// What it keeps of its memory between writes: one large answer must not enlarge the worker for good.
    static let keptOutputBytes = 256 << 10
    /// Where the chunks of streams get their frames.
    let framer = ChunkFramer()
    private(set) var isDraining = false

    private var listeners: [StreamListener] = []
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var onEmpty: CheckedContinuation<Void, Never>?

    package init(options: ServerOptions, handler: any RequestHandler) {
        self.options = options
        self.handler = handler
    }

    package var openConnections: Int { connections.count }

    /// Starts listening and returns the address in use.
    @discardableResult
    package func listen(on address: ListenAddress) throws(LoopError) -> ListenAddress {
        let listener = try StreamListener(on: address) { [unowned self] socket in
            let connection = HTTPConnection(socket: socket, server: self)
            connections[ObjectIdentifier(connection)] = connection
        }
        listeners.append(listener)
        return listener.address
    }

    /// Stops accepting, closes idle connections, and waits until the answers under way have ended and been taken.
    package func drain() async {
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        for connection in connections.values where connection.isIdle { connection.closeWhenFlushed() }
        guard !connections.isEmpty else { return }
        await withCheckedContinuation { onEmpty = $0 }
    }

    /// Closes everything at once.
    package func close() {
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        for connection in connections.values { connection.close() }
    }

    func closed(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.isEmpty, let waiting = onEmpty.take() { waiting.resume() }
    }
}
