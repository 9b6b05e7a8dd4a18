import { Injectable } from '@nestjs/common';
import { takeAircraft } from './aircraft-mention';
import { takeBudget } from './budget-mention';
import {
  CharterExtractor,
  MAX_MESSAGE_CHARACTERS,
  UnreadableMessageError,
  type Extraction,
  type ExtractionContext,
} from './charter-extractor';
import type { CharterRequest } from './charter-request';
import { notesOf } from './client-notes';
import { takeContact } from './contact-mention';
import { takeDates } from './date-mentions';
import { MessageText, plainMessage } from './message-text';
import { missingFields } from './missing-fields';
import { takePassengers } from './passenger-count';
import { PlaceDirectory } from './place-directory';
import { takePlaces } from './place-mentions';
import { withKnownWords } from './spelling';
import { takeTimes } from './time-mentions';
import { tripOf } from './trip-legs';

/** Throws {@link UnreadableMessageError} for a message that is empty or too long. */
export function assertReadable(message: string): void {
  if (message.length > MAX_MESSAGE_CHARACTERS) {
    throw new UnreadableMessageError(
      `The message has ${message.length} characters; ${MAX_MESSAGE_CHARACTERS} are read at most. Shorten it.`,
    );
  }
  if (message.trim() === '')
    throw new UnreadableMessageError('The message is empty: say from where to where, and when.');
}

/** Reads English requests by rules, chrono for dates and the directory for places; the same text gives the same answer. */
@Injectable()
export class EmbeddedCharterExtractor extends CharterExtractor {
  constructor(private readonly directory: PlaceDirectory) {
    super();
  }

  async extract(message: string, context: ExtractionContext, signal: AbortSignal): Promise<Extraction> {
    signal.throwIfAborted();
    assertReadable(message);
    const text = new MessageText(withKnownWords(plainMessage(message).slice(0, MAX_MESSAGE_CHARACTERS)));
    const contact = takeContact(text);
    const budget = takeBudget(text);
    const aircraft = takeAircraft(text);
    const dates = takeDates(text, context);
    const times = takeTimes(text);
    const { passengers, unclear } = takePassengers(text);
    const places = takePlaces(text, this.directory);
    const trip = tripOf(text, { places, dates, times });
    const notes = [...notesOf(text.whole), ...trip.assumptions];
    if (budget?.assumedCurrency === true)
      notes.push('The budget names no currency and is read as US dollars');
    if (aircraft.length > 1) notes.push(`Aircraft named: ${aircraft.join(', ')}`);
    const request: CharterRequest = {
      tripType: trip.tripType,
      legs: trip.legs,
      passengers,
      budget: budget?.budget ?? null,
      aircraftClass: aircraft.length === 1 ? aircraft[0]! : null,
      clientEmail: contact.email,
      clientName: contact.name,
      notes,
    };
    return { request, missing: missingFields(request, unclear), provider: 'embedded', usage: null };
  }
}
