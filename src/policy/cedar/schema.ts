/**
 * What policies can speak of, as a Cedar schema. A user or a client without one, in the groups and roles that the
 * issuer names, uses a tool, a prompt or a resource of a server. What a tool or a prompt is called with is in
 * `context.arguments`, which has no types, and is therefore not in here.
 */
export const policySchema = `
entity Group;
entity Role;
entity User in [Group, Role] = ${caller()};
entity Client in [Group, Role] = ${caller()};
entity Server;
entity Tool in [Server] = { name: String };
entity Prompt in [Server] = { name: String };
entity Resource in [Server] = { uri: String };
action "tools/call" appliesTo { principal: [User, Client], resource: [Tool], context: { now: datetime } };
action "prompts/get" appliesTo { principal: [User, Client], resource: [Prompt], context: { now: datetime } };
action "resources/read" appliesTo { principal: [User, Client], resource: [Resource], context: { now: datetime } };
`

function caller(): string {
  return '{ subject: String, issuer: String, client: String, actor?: String }'
}
