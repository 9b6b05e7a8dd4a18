declare module 'bullmq/dist/cjs/scripts/moveToFinished-14' {
  export const moveToFinished: { readonly name: string; readonly content: string; readonly keys: number };
}
