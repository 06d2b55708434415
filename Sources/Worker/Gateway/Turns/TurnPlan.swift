import EventLoop
import OpenAIAPI
import Providers
import State

/// What is known of a request to a web application before an account is chosen, and what its attempts have in common.
@LoopActor
final class TurnPlan {
    /// The name by which the client may go on with the conversation; empty where the upstream remembers nothing.
    let conversation: String
    /// What the request goes on with.
    let opened: OpenConversation?
    let transcript: Transcript
    let secret: [UInt8]
    /// A credential that the caller brought along, to be used instead of the pool's.
    let ownKey: String?
    /// Of the current attempt.
    var desk: TurnDesk?
    var turn: Turn?
    var opening: OpenedTurn?
    var passage: OpenedTurn.Passage? { opening?.passage }
    var servedModel: String? { opening?.servedModel }
    /// What the request says that has no effect.
    var ignored: [String] = []
    /// How the answer ended; nothing while it has not.
    var end: TurnEnd?
    /// The conversation's hold has been given back, or has ended with the conversation's new turn.
    var isReleased = false

    init(
        conversation: String,
        opened: OpenConversation?,
        transcript: Transcript,
        secret: [UInt8],
        ownKey: String?
    ) {
        self.conversation = conversation
        self.opened = opened
        self.transcript = transcript
        self.secret = secret
        self.ownKey = ownKey
    }

    /// The account that has the conversation, if it is one of this provider's.
    func home(at provider: String) -> String? {
        guard let conversation = opened?.conversation, conversation.provider == provider else { return nil }
        return conversation.account
    }
}
