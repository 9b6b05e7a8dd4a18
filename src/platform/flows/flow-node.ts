import type { AddOptions } from '../queue/add-job';

/** What becomes of the job that waits when this one dies: it dies as well, or it runs without the result. */
export const failurePolicies = ['fails-parent', 'degrades-parent'] as const;
export type FailurePolicy = (typeof failurePolicies)[number];

/** One job of a flow, and those that it waits for. */
export interface FlowNode {
  readonly type: string;
  readonly payload: object;
  readonly options?: Pick<
    AddOptions,
    'delayMs' | 'attempts' | 'backoff' | 'priority' | 'timeoutMs' | 'waitLimitMs' | 'tags'
  >;
  readonly children?: readonly FlowChild[];
}

/** A job that another one waits for. */
export interface FlowChild extends FlowNode {
  /** By which its parent knows it: letters, digits and dashes, unique among its siblings. */
  readonly name: string;
  readonly onFailure: FailurePolicy;
}

/** A node with its place: `''` for the root, then names with dots. */
export interface PlacedNode {
  readonly path: string;
  readonly parent?: string;
  readonly node: FlowNode & Partial<Pick<FlowChild, 'name' | 'onFailure'>>;
}

/** A flow that cannot be added: its shape is wrong, or its queues do not belong together. */
export class FlowRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FlowRefusedError';
  }
}

// All of a flow is stored in one step of Redis, which keeps everybody else waiting.
export const MAX_FLOW_JOBS = 250;
export const MAX_FLOW_DEPTH = 8;
const childName = /^[A-Za-z][A-Za-z0-9-]{0,49}$/;

/** Every node, parents before their children. Throws {@link FlowRefusedError}. */
export function placedNodes(root: FlowNode): readonly PlacedNode[] {
  const placed: PlacedNode[] = [];
  place(root, '', undefined, 1, placed);
  return placed;
}

function place(
  node: FlowNode,
  path: string,
  parent: string | undefined,
  depth: number,
  placed: PlacedNode[],
): void {
  placed.push({ path, ...(parent !== undefined && { parent }), node });
  if (placed.length > MAX_FLOW_JOBS) {
    throw new FlowRefusedError(`A flow has at most ${MAX_FLOW_JOBS} jobs: start several.`);
  }
  if (depth > MAX_FLOW_DEPTH) throw new FlowRefusedError(`A flow is at most ${MAX_FLOW_DEPTH} jobs deep.`);
  const { children = [] } = node;
  const names = new Set(children.map(({ name }) => name));
  const wrong = children.find(({ name }) => !childName.test(name));
  if (wrong !== undefined || names.size !== children.length) {
    throw new FlowRefusedError(
      `The children of "${node.type}" need names of their own: 1 to 50 letters, digits and dashes, beginning with a letter.`,
    );
  }
  for (const child of children) {
    place(child, path === '' ? child.name : `${path}.${child.name}`, path, depth + 1, placed);
  }
}

/** The same tree with each payload turned into another. */
export function withPayloads<T extends FlowNode>(node: T, turn: (node: FlowNode) => object): T {
  return {
    ...node,
    payload: turn(node),
    ...(node.children !== undefined && {
      children: node.children.map((child) => withPayloads(child, turn)),
    }),
  };
}
