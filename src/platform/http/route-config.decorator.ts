import { PATH_METADATA } from '@nestjs/common/constants';
import { RouteConfig } from '@nestjs/platform-fastify';

const CONFIG = 'holdfast:routeConfig';

/**
 * Adds to what Fastify knows about a route. On a class it goes to each of its routes, and what a route says itself wins.
 * `RouteConfig` alone would keep the newest of several decorators only.
 */
export function routeConfig(part: object): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (descriptor !== undefined) return add(descriptor.value as object, part, {});
    const routes = Object.values(
      Object.getOwnPropertyDescriptors((target as { prototype: object }).prototype),
    ).filter(({ value }) => typeof value === 'function' && Reflect.hasMetadata(PATH_METADATA, value));
    for (const { value } of routes) add(value as object, {}, part);
  };
}

function add(handler: object, own: object, inherited: object): void {
  const merged = { ...inherited, ...(Reflect.getMetadata(CONFIG, handler) as object | undefined), ...own };
  Reflect.defineMetadata(CONFIG, merged, handler);
  RouteConfig(merged)(handler as never, '', { value: handler } as never);
}
